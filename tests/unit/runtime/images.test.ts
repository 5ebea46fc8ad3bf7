import { describe, expect, test } from "@jest/globals";
import type { ArrayDataset, Images } from "../../../runtime/index.ts";
import { planesOf, resizeBytes } from "../../../runtime/index.ts";
import { toBatch } from "../../../runtime/images.ts";
import { compileText } from "../../support/compileText.ts";

const { plan } = compileText(
  `model Small { input 1 x 2 x 2  global_avg_pool -> flatten -> linear(2) }
   train Small { data images("x") { resize 2 }  optimizer sgd(lr: 0.1)  batch 2 }`,
  { imageSource: { shape: [1, 4, 4], dtype: "u8" } },
);

type Input = readonly [1, 2, 2];
type Source = readonly [1, 4, 4];
const batchOf = (images: Images<Input, Source>): ReturnType<typeof toBatch> => toBatch(plan, images);

describe("what may be given as images", () => {
  test("numbers ready for the network", () => {
    const expected = { kind: "values", count: 2, data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    expect(batchOf(expected.data)).toEqual(expected);
    expect(batchOf({ values: expected.data, shape: [2, 1, 2, 2] })).toEqual(expected);
    const planes = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]; // prettier-ignore
    expect(batchOf(planes)).toEqual(expected);
    expect(batchOf([[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]])).toEqual(expected); // prettier-ignore
  });

  test("a list of typed arrays, an image each", () => {
    const images = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8)];
    expect(batchOf(images)).toEqual({ kind: "values", count: 2, data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    const bytes = [1, 2].map((byte) => new Uint8Array(16).fill(byte));
    expect(batchOf(bytes)).toEqual({ kind: "raw", count: 2, data: Uint8Array.from([...bytes[0]!, ...bytes[1]!]) });
    // Where images differ in size, each is as large as its room.
    const mixed = { ...plan, preparation: { ...plan.preparation!, sizes: 0 } } as unknown as typeof plan;
    expect(toBatch(mixed, bytes)).toMatchObject({ sizes: Uint32Array.of(4, 4, 4, 4) });
    expect(() => batchOf([images[0]!, new Float32Array(8)])).toThrow("image 1 of a batch holds 2 images");
    expect(() => batchOf([images[0]!, new Float32Array(3)])).toThrow("1 x 2 x 2 = 4 values an image, found Float32Array of 3"); // prettier-ignore
    expect(() => batchOf([images[0]!, bytes[0]!])).toThrow("some images of a batch are numbers and some bytes");
  });

  test("bytes to be prepared, pictures among them", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
    expect(batchOf(bytes)).toEqual({ kind: "raw", count: 1, data: bytes });
    expect(batchOf({ bytes, shape: [1, 1, 4, 4] })).toEqual({ kind: "raw", count: 1, data: bytes });
    const data = Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : Math.floor(i / 4)));
    expect(batchOf({ width: 4, height: 4, data } as Images<Input, Source>)).toEqual({
      kind: "raw",
      count: 1,
      data: bytes,
    });
    const canvas = { width: 4, height: 4, getContext: () => ({ getImageData: () => ({ width: 4, height: 4, data }) }) };
    expect(batchOf([canvas, canvas])).toMatchObject({ kind: "raw", count: 2 });
    // A picture of another size is resized to what is prepared: a pixel alone fills it.
    const pixel = { width: 1, height: 1, data: Uint8ClampedArray.of(9, 9, 9, 255) };
    expect(batchOf(pixel)).toEqual({ kind: "raw", count: 1, data: new Uint8Array(16).fill(9) });
  });

  test("frames, images and videos have their own size, whatever room a page gives them", () => {
    const drawn: number[][] = [];
    class Canvas {
      constructor(
        readonly width: number,
        readonly height: number,
      ) {}
      getContext(): object {
        const { width, height } = this;
        return {
          drawImage: (_: unknown, ...place: number[]) => drawn.push(place),
          getImageData: () => ({ width, height, data: new Uint8ClampedArray(width * height * 4).fill(7) }),
        };
      }
    }
    const globals = globalThis as { OffscreenCanvas?: unknown };
    globals.OffscreenCanvas = Canvas;
    try {
      const image = { naturalWidth: 4, naturalHeight: 2, width: 300, height: 0 };
      const video = { videoWidth: 3, videoHeight: 5, width: 0, height: 0 };
      const frame = { displayWidth: 2, displayHeight: 6, codedWidth: 16, codedHeight: 16 };
      const expected = { kind: "raw", count: 4, data: new Uint8Array(64).fill(7) };
      expect(batchOf([image, video, frame, { width: 1, height: 1 }])).toEqual(expected);
      expect(batchOf(frame)).toMatchObject({ count: 1 });
      expect(drawn).toEqual([[4, 2], [3, 5], [2, 6], [1, 1], [2, 6]].map((size) => [0, 0, ...size])); // prettier-ignore
      const unloaded = { ...image, naturalWidth: 0 };
      expect(() => batchOf(unloaded)).toThrow("a picture of 0 x 2 pixels was given; it may not be loaded yet"); // prettier-ignore
    } finally {
      delete globals.OffscreenCanvas;
    }
  });

  test("three channels do not compile where one is read", () => {
    const values = new Float32Array(12);
    // @ts-expect-error The network reads one channel.
    expect(() => batchOf({ values, shape: [1, 3, 2, 2] })).toThrow("n x 1 x 2 x 2");
    // @ts-expect-error Bytes are prepared from one channel.
    expect(() => batchOf({ bytes: new Uint8Array(48), shape: [1, 3, 4, 4] })).toThrow("n x 1 x 4 x 4");
    // @ts-expect-error An image of three planes.
    expect(() => batchOf([[[[1, 2], [3, 4]], [[1, 2], [3, 4]], [[1, 2], [3, 4]]]])).toThrow("needs 1 members, found an array of 3"); // prettier-ignore
    const dataset: ArrayDataset<Input, Source> = {
      // @ts-expect-error The same in a dataset.
      images: { values, shape: [1, 3, 2, 2] },
      labels: [0],
    };
    expect(dataset.labels).toEqual([0]);
  });

  test("anything else is refused in words", () => {
    const refused =
      (images: unknown): (() => unknown) =>
      () =>
        toBatch(plan, images);
    expect(refused("cat.png")).toThrow(
      "images must be a Float32Array of 1 x 2 x 2 values an image, or a Uint8Array of 1 x 4 x 4 bytes",
    );
    expect(refused(new Float32Array(5))).toThrow("1 x 2 x 2 = 4 values an image, found Float32Array of 5 values");
    expect(refused(new Uint8Array(15))).toThrow("1 x 4 x 4 = 16 bytes an image");
    expect(refused({ raw: new Float32Array(16) })).toThrow("are bytes (a Uint8Array)");
    const { preparation: _, ...without } = plan;
    expect(() => toBatch(without, new Uint8Array(16))).toThrow("Float32Array.from(bytes, (byte) => byte / 255)");
  });
});

test("pictures become planes as PIL makes them, and are resized between half-pixel centres", () => {
  expect([...planesOf(Uint8Array.of(255, 0, 0, 255, 0, 255, 0, 255), 2, 1)]).toEqual([76, 150]);
  expect([...planesOf(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 3)]).toEqual([1, 5, 2, 6, 3, 7]);
  expect([...resizeBytes(Uint8Array.of(0, 100), [1, 1, 2], [1, 4])]).toEqual([0, 25, 75, 100]);
});
