/**
 * images.ts: what may be given as images. Numbers are ready for the network; bytes are prepared by its recipe's data lines on
 * the GPU. Whatever comes is made one of the two here.
 */
import { describeValue } from "./describeValue.ts";
import { refuse } from "./input.ts";
import { formatShape, sizeOf } from "./shapes.ts";
import type { NetworkPlan, PreparationPlan } from "./plan.ts";
import { resizeBytes } from "./resizeBytes.ts";

/** Images with their shape, which TypeScript compares with the network's: values are ready, bytes are to be prepared. */
export type ShapedImages<Input extends readonly number[], Source extends readonly number[]> =
  | { readonly values: Float32Array; readonly shape: readonly [count: number, ...image: Input] }
  | { readonly bytes: Uint8Array | Uint8ClampedArray; readonly shape: readonly [count: number, ...image: Source] };

/** As the data lines expect them, one after another; `sizes` holds each image's height and width where they may differ. */
export interface RawImages {
  readonly raw: Uint8Array | Uint8ClampedArray | Float32Array;
  readonly sizes?: Uint32Array;
}

/** What an ImageData, a canvas, an ImageBitmap and the page's images have in common, or a VideoFrame has. Its pixels become bytes. */
export type PixelSource =
  | { readonly width: number; readonly height: number }
  | { readonly displayWidth: number; readonly displayHeight: number };

type Plane = readonly (readonly number[])[];
/** One image in nested arrays: a plane for each channel; of one channel, the plane alone will do. */
export type NestedImage<Input extends readonly number[]> =
  Input extends readonly [1, number, number] ? Plane | readonly [Plane]
  : Input extends readonly [2, number, number] ? readonly [Plane, Plane]
  : Input extends readonly [3, number, number] ? readonly [Plane, Plane, Plane]
  : Input extends readonly [4, number, number] ? readonly [Plane, Plane, Plane, Plane]
  : Input extends readonly [number] ? readonly number[]
  : readonly Plane[] | Plane | readonly number[]; // prettier-ignore

/**
 * Images of a network that reads `Input` and prepares `Source`: numbers ready for it (Float32Array, nested arrays), or bytes
 * (a Uint8Array, canvases and their like) that its data lines prepare. Of a list of typed arrays each is an image.
 */
export type Images<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
> =
  | Float32Array
  | Uint8Array
  | Uint8ClampedArray
  | RawImages
  | ShapedImages<Input, Source>
  | readonly NestedImage<Input>[]
  | readonly (Float32Array | Uint8Array | Uint8ClampedArray)[]
  | PixelSource
  | readonly PixelSource[];

/** Images in one of the two forms that a step takes. */
export type ImageBatch =
  | { readonly kind: "values"; readonly data: Float32Array; readonly count: number }
  | {
      readonly kind: "raw";
      readonly data: Uint8Array | Uint8ClampedArray | Float32Array;
      readonly count: number;
      readonly sizes?: Uint32Array;
    };

/** The preparation of a plan; throws where the spec says nothing of its images. */
export function preparationOf(plan: NetworkPlan): PreparationPlan {
  if (plan.preparation === undefined) {
    refuse(
      `${plan.name} was compiled without data lines that make its images of bytes; give it a Float32Array: ` +
        "`Float32Array.from(bytes, (byte) => byte / 255)`",
    );
  }
  return plan.preparation;
}

/** Any images as a batch; throws with shape and numbers where they do not fit. */
export function toBatch(plan: NetworkPlan, images: unknown): ImageBatch {
  if (images instanceof Float32Array) return values(plan, images);
  if (isBytes(images)) return raw(plan, images);
  if (typeof images !== "object" || images === null) return unknownImages(plan, images);
  if ("raw" in images) {
    const { raw: data, sizes } = images as RawImages;
    return raw(plan, data, sizes);
  }
  if ("shape" in images) return shaped(plan, images as ShapedImages<readonly number[], readonly number[]>);
  if (isPixels(images)) return pixels(plan, [images]);
  if (!Array.isArray(images) || images.length === 0) return unknownImages(plan, images);
  const list = images as readonly unknown[];
  if (list.every(isPixels)) return pixels(plan, list);
  if (ArrayBuffer.isView(list[0])) return joinImages(list.map((image) => toBatch(plan, image)));
  return nested(plan, list);
}

function isBytes(images: unknown): images is Uint8Array | Uint8ClampedArray {
  return images instanceof Uint8Array || images instanceof Uint8ClampedArray;
}

function unknownImages(plan: NetworkPlan, images: unknown): never {
  const ready = `a Float32Array of ${formatShape(plan.inputShape)} values an image`;
  const bytes = plan.preparation && `a Uint8Array of ${formatShape(plan.preparation.sourceShape)} bytes an image`;
  refuse(`images must be ${ready}${bytes === undefined ? "" : `, or ${bytes}`}, found ${describeValue(images)}`);
}

function values(plan: NetworkPlan, data: Float32Array): ImageBatch {
  const size = sizeOf(plan.inputShape);
  if (data.length % size !== 0) {
    refuse(`images must hold ${formatShape(plan.inputShape)} = ${size} values an image, found ${describeValue(data)}`);
  }
  return { kind: "values", data, count: data.length / size };
}

function raw(plan: NetworkPlan, data: unknown, sizes?: Uint32Array): ImageBatch {
  const { sourceShape, sourceType, sizes: wantsSizes } = preparationOf(plan);
  const fits = sourceType === "u8" ? isBytes(data) : data instanceof Float32Array;
  if (!fits) {
    const wanted = sourceType === "u8" ? "bytes (a Uint8Array)" : "numbers (a Float32Array)";
    refuse(`the images that ${plan.name} prepares are ${wanted}, found ${describeValue(data)}`);
  }
  const list = data as Uint8Array | Float32Array;
  const size = sizeOf(sourceShape);
  if (list.length % size !== 0) {
    const unit = sourceType === "u8" ? "bytes" : "values";
    refuse(`images must hold ${formatShape(sourceShape)} = ${size} ${unit} an image, found ${describeValue(data)}`);
  }
  const count = list.length / size;
  if (wantsSizes === undefined) return { kind: "raw", data: list, count };
  const [, height = 0, width = 0] = sourceShape;
  const own = sizes ?? Uint32Array.from({ length: 2 * count }, (_, index) => (index % 2 === 0 ? height : width));
  if (own.length !== 2 * count) refuse(`${count} images need ${2 * count} sizes, found ${own.length}`);
  return { kind: "raw", data: list, count, sizes: own };
}

function shaped(plan: NetworkPlan, images: ShapedImages<readonly number[], readonly number[]>): ImageBatch {
  const given: readonly number[] = images.shape;
  const [data, wanted] =
    "values" in images ? [images.values, plan.inputShape] : [images.bytes, preparationOf(plan).sourceShape];
  if (given.slice(1).join() !== wanted.join() || sizeOf(given) !== data.length) {
    refuse(
      `images of the shape ${given.join(" x ")} were given with ${data.length} elements; ${plan.name} takes n x ${wanted.join(" x ")}`,
    );
  }
  return "values" in images ? values(plan, images.values) : raw(plan, images.bytes);
}

function nested(plan: NetworkPlan, list: readonly unknown[]): ImageBatch {
  const { inputShape } = plan;
  const data = new Float32Array(list.length * sizeOf(inputShape));
  let at = 0;
  const walk = (value: unknown, depth: number, image: number): void => {
    const extent = inputShape[depth];
    if (extent === undefined) {
      if (typeof value !== "number") refuse(`image ${image} holds ${describeValue(value)} where a number should be`);
      data[at++] = value;
      return;
    }
    if (!Array.isArray(value) || value.length !== extent) {
      const found = Array.isArray(value) ? `an array of ${value.length}` : describeValue(value);
      refuse(
        `image ${image} must be arrays of ${formatShape(inputShape)}; its dimension ${depth} needs ${extent} members, found ${found}`,
      );
    }
    for (const member of value) walk(member, depth + 1, image);
  };
  list.forEach((image, index) => {
    // A plane alone stands for an image of one channel.
    const isPlane = inputShape[0] === 1 && inputShape.length === 3 && depthOf(image) === 2;
    walk(isPlane ? [image] : image, 0, index);
  });
  return { kind: "values", data, count: list.length };
}

function depthOf(value: unknown): number {
  return Array.isArray(value) ? 1 + depthOf(value[0]) : 0;
}

// ---- Pixels ----------------------------------------------------------------------------------------------------

function isPixels(value: unknown): value is PixelSource {
  return typeof value === "object" && value !== null && ("width" in value || "displayWidth" in value);
}

/** In pixels: the `width` of an image or a video in a page is that of its place there. */
function pixelSize(source: PixelSource): readonly [width: number, height: number] {
  const sizes = source as unknown as Readonly<Record<string, number | undefined>>;
  const names = [["naturalWidth", "naturalHeight"], ["videoWidth", "videoHeight"], ["displayWidth", "displayHeight"], ["width", "height"]] as const; // prettier-ignore
  for (const [across, down] of names) {
    const [width, height] = [sizes[across], sizes[down]];
    if (width === undefined || height === undefined) continue;
    if (width * height === 0) refuse(`a picture of ${width} x ${height} pixels was given; it may not be loaded yet`);
    return [width, height];
  }
  return refuse("a picture has no width and height");
}

interface PixelData {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each pixel. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

interface Context2d {
  drawImage(image: unknown, x: number, y: number, width: number, height: number): void;
  getImageData(x: number, y: number, width: number, height: number): PixelData;
}

/** The bytes of a picture, four a pixel. */
function pixelsOf(source: PixelSource): PixelData {
  if ("data" in source && isBytes(source.data)) return source as unknown as PixelData;
  const [width, height] = pixelSize(source);
  type Canvas = { getContext(kind: "2d"): Context2d | null };
  if ("getContext" in source) {
    const own = (source as unknown as Canvas).getContext("2d");
    if (own !== null) return own.getImageData(0, 0, width, height);
  }
  type CanvasMaker = new (width: number, height: number) => Canvas;
  const { OffscreenCanvas } = globalThis as { readonly OffscreenCanvas?: CanvasMaker };
  const context = OffscreenCanvas && new OffscreenCanvas(width, height).getContext("2d");
  if (!context) refuse("the pixels of a picture can't be read here; give its bytes");
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Pictures as the bytes of images, resized to what the network prepares where they are of another size. */
function pixels(plan: NetworkPlan, list: readonly PixelSource[]): ImageBatch {
  const [channels = 1, height = 1, width = 1] = plan.preparation?.sourceShape ?? plan.inputShape;
  const size = channels * height * width;
  const bytes = new Uint8Array(list.length * size);
  list.forEach((source, index) => {
    const { data, width: ownWidth, height: ownHeight } = pixelsOf(source);
    const planes = planesOf(data, ownWidth * ownHeight, channels);
    bytes.set(resizeBytes(planes, [channels, ownHeight, ownWidth], [height, width]), index * size);
  });
  if (plan.preparation?.sourceType === "u8") return raw(plan, bytes);
  const numbers = Float32Array.from(bytes, (byte) => byte / 255);
  return plan.preparation === undefined ? values(plan, numbers) : raw(plan, numbers);
}

/** Channel after channel: red, green and blue; all four; or grey by the weights of ITU-R 601-2, as PIL's "L" rounds them. */
export function planesOf(
  rgba: Uint8Array | Uint8ClampedArray,
  pixelCount: number,
  channels: number,
): Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array(channels * pixelCount);
  if (channels !== 1 && channels !== 3 && channels !== 4) refuse(`pictures have 1, 3 or 4 channels, not ${channels}`);
  for (let pixel = 0; pixel < pixelCount; pixel++) {
    const at = pixel * 4;
    if (channels === 1) {
      const [red = 0, green = 0, blue = 0] = [rgba[at], rgba[at + 1], rgba[at + 2]];
      planes[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    } else for (let c = 0; c < channels; c++) planes[c * pixelCount + pixel] = rgba[at + c] as number;
  }
  return planes;
}

/** Single images as one batch. */
export function joinImages(images: readonly ImageBatch[]): ImageBatch {
  const [first] = images;
  if (first === undefined) return refuse("there are no images");
  const count = images.length;
  const size = first.data.length;
  const data = first.data instanceof Float32Array ? new Float32Array(count * size) : new Uint8Array(count * size);
  const sizes = new Uint32Array(2 * count);
  images.forEach((image, index) => {
    if (image.count !== 1) refuse(`image ${index} of a batch holds ${image.count} images`);
    if (image.kind !== first.kind) refuse("some images of a batch are numbers and some bytes");
    data.set(image.data, index * size);
    if ("sizes" in image) sizes.set(image.sizes ?? [], 2 * index);
  });
  return { ...first, data, count, ...("sizes" in first && { sizes }) } as ImageBatch;
}

/** The images of a batch from `start` to `end`, exclusive. */
export function partOf(images: ImageBatch, start: number, end: number): ImageBatch {
  if (start === 0 && end === images.count) return images;
  const perImage = images.data.length / images.count;
  const sizes = "sizes" in images && images.sizes?.subarray(2 * start, 2 * end);
  return {
    ...{ ...images, data: images.data.subarray(start * perImage, end * perImage), count: end - start },
    ...(sizes && { sizes }),
  } as ImageBatch;
}
