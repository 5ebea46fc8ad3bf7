/**
 * `npm run test:many-files [COUNT] [SIDE]`: a folder of 100,000 pictures of 8x8 in ten folders, opened and read for an epoch
 * as `cnnc train` reads it; with a side, JPEGs of noise. Too slow for `npm test`, where 2,000 stand for them. Exit code 1 where an image is missing.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { readAhead } from "../../dist/compiler/datasets/readAhead.js";
import { openDataset } from "../../dist/compiler/datasets/openDataset.js";

const count = Number(process.argv[2] ?? 100_000);
const side = Number(process.argv[3] ?? 8);
const isNoise = process.argv.length > 3;
const [classes, batch] = [10, isNoise ? 16 : 128];
const folder = mkdtempSync(join(tmpdir(), "cnnc many files "));
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);
try {
  for (let label = 0; label < classes; label++) mkdirSync(join(folder, `class ${label} – größe`));
  const picture = new PNG({ width: side, height: side });
  for (let index = 0; index < count; index++) {
    for (let at = 0; isNoise && at < picture.data.length; at++) picture.data[at] = Math.random() * 256;
    if (!isNoise) picture.data.fill(index % 251);
    writeFileSync(
      join(folder, `class ${index % classes} – größe`, `${index}.${isNoise ? "jpg" : "png"}`),
      isNoise ? jpeg.encode(picture, 90).data : PNG.sync.write(picture, { deflateLevel: 1 }),
    );
  }
  writeFileSync(join(folder, "class 0 – größe", "text.png"), "not a picture");

  const opening = performance.now();
  const { train, test, description } = openDataset({ kind: "images", directory: folder }, { channels: 3 });
  console.log(`${description}\nopened in ${seconds(opening)} s`);

  const [reading, idle] = [performance.now(), performance.eventLoopUtilization()];
  let read = 0;
  const order = Uint32Array.from({ length: train.count }, (_, index) => index);
  for await (const { count: images } of readAhead(train, order, batch)) read += images;
  const megabytes = Math.round(process.memoryUsage().rss / 2 ** 20);
  const busy = Math.round(100 * performance.eventLoopUtilization(idle).utilization);
  console.log(`${read} images in batches of ${batch} in ${seconds(reading)} s; ${megabytes} MB of memory`);
  console.log(`the main thread was busy for ${busy} % of that time`);
  const complete =
    train.count + test.count === count && read === train.count && description.includes("1 file was skipped");
  if (!complete) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
