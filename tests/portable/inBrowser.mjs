// The page's side: what run.mjs calls in Chromium.
/* global navigator, OffscreenCanvas, ImageData, Image, VideoFrame, createImageBitmap */
import { checkLenet } from "./checkLenet.mjs";
import { checkTraining } from "./checkTraining.mjs";
import * as app from "./cnnc-app.js";
import { parseSafetensors, planesOf } from "./cnnc-runtime.js";
import { createLeNet } from "./lenet.js";

export async function check() {
  const read = async (name) => {
    const response = await fetch(name);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  const adapter = await navigator.gpu?.requestAdapter();
  const { vendor, architecture, device, description } = adapter?.info ?? {};
  return {
    adapter: [vendor, architecture, device, description].filter(Boolean).join(" "),
    results: [
      ...(await checkLenet({ createLeNet, parseSafetensors, read })),
      ...(await checkTraining({ createLeNet, app })),
      ...(await checkPictures()),
    ],
  };
}

/** An <img> that shows a canvas in another size than its own. */
async function imageOf(canvas) {
  const image = new Image(5, 9);
  image.src = URL.createObjectURL(await canvas.convertToBlob());
  await image.decode();
  return image;
}

/** The same picture as bytes, ImageData, canvas, bitmap, frame and <img> gives the same logits, to the bit. */
async function checkPictures() {
  const network = await createLeNet({ programs: ["inferenceBytes"], seed: 1 });
  const rgba = Uint8ClampedArray.from({ length: 28 * 28 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
  const data = new ImageData(rgba, 28);
  const canvas = new OffscreenCanvas(28, 28);
  canvas.getContext("2d").putImageData(data, 0, 0);
  const expected = await network.predict(planesOf(rgba, 28 * 28, 1));
  const results = [];
  for (const [quantity, picture] of Object.entries({
    data,
    canvas,
    bitmap: await createImageBitmap(canvas),
    frame: new VideoFrame(canvas, { timestamp: 0 }),
    image: await imageOf(canvas),
    all: [data, canvas],
  })) {
    const logits = await network.predict(picture);
    const count = quantity === "all" ? 2 : 1;
    const error =
      logits.length === 10 * count ? Math.max(...logits.map((x, i) => Math.abs(x - expected[i % 10]))) : NaN;
    results.push({ name: "pictures", quantity, error, tolerance: 0, passed: error === 0 });
  }
  network.destroy();
  return results;
}
