/** `arrays("x.npy", "y.npy")`: images as uint8 or float32, n x c x h x w, n x h x w or n x features, and their classes. */
import { checkCounts, DatasetError, labelBeyond } from "./datasetError.ts";
import { imageElements, type ImageSet } from "./imageSet.ts";
import { openNpy, type NpyFile } from "./readNpy.ts";

/** A set whose images are read from the file as they are needed; throws `DatasetError` naming file and offset. */
export function readArrays(imagePath: string, labelPath: string, classes: number): ImageSet {
  const images = openNpy(imagePath);
  if (images.type !== "|u1" && images.type !== "<f4") {
    throw new DatasetError(
      `${imagePath}: its elements are ${images.type}; images are uint8 (|u1, 0 to 255) or float32 (<f4): save array.astype(np.float32), say`,
    );
  }
  const [count = 0, ...sizes] = images.shape;
  const shape = imageShape(sizes);
  if (shape === undefined) {
    throw new DatasetError(
      `${imagePath}: its shape is (${images.shape.join(", ")}); images are n x channels x height x width, n x height x width, or n x features`,
    );
  }
  const labels = readLabels(labelPath, classes);
  checkCounts({ path: imagePath, count }, { path: labelPath, count: labels.length });
  const [channels, height, width] = shape;
  const elements = images.type === "|u1" ? "u8" : "f32";
  const imageBytes = imageElements({ channels, height, width }) * images.elementBytes;
  return {
    ...{ count, channels, height, width, labels, elements, mixed: false },
    read(indices, { raw, sizes: into }) {
      const bytes = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
      for (let at = 0; at < indices.length; at++) {
        const offset = images.dataOffset + (indices[at] as number) * imageBytes;
        images.file.read(bytes.subarray(at * imageBytes, (at + 1) * imageBytes), offset);
        into.set([height, width], 2 * at);
      }
      if (elements === "u8") return;
      const size = imageElements({ channels, height, width });
      const numbers = new Float32Array(raw.buffer, raw.byteOffset, indices.length * size);
      const bad = numbers.findIndex((number) => !Number.isFinite(number));
      if (bad < 0) return;
      // Here, since a kernel's max(NaN, 0) is 0: relu and pooling would hide it.
      const image = indices[Math.floor(bad / size)] as number;
      const offset = images.dataOffset + image * imageBytes + 4 * (bad % size);
      throw new DatasetError(`${imagePath}: the number at offset ${offset} (image ${image}) is ${numbers[bad]}`);
    },
  };
}

function imageShape(sizes: readonly number[]): readonly [number, number, number] | undefined {
  const [a = 0, b = 0, c = 0] = sizes;
  if (sizes.some((size) => size === 0)) return undefined;
  if (sizes.length === 3) return [a, b, c];
  if (sizes.length === 2) return [1, a, b];
  return sizes.length === 1 ? [1, 1, a] : undefined;
}

/** Reads a whole number at an offset, by element type. */
const wholeNumbers: Readonly<Record<string, (view: DataView, offset: number) => number>> = {
  "|u1": (view, offset) => view.getUint8(offset),
  "|i1": (view, offset) => view.getInt8(offset),
  "<u2": (view, offset) => view.getUint16(offset, true),
  "<i2": (view, offset) => view.getInt16(offset, true),
  "<u4": (view, offset) => view.getUint32(offset, true),
  "<i4": (view, offset) => view.getInt32(offset, true),
  "<u8": (view, offset) => Number(view.getBigUint64(offset, true)),
  "<i8": (view, offset) => Number(view.getBigInt64(offset, true)),
};

function readLabels(path: string, classes: number): Uint32Array {
  const { file, type, shape, dataOffset, elementBytes }: NpyFile = openNpy(path);
  const numberAt = wholeNumbers[type];
  if (numberAt === undefined || shape.length !== 1) {
    const isColumn = shape.length === 2 && shape[1] === 1;
    const one = shape.length === 1 ? "labels" : isColumn ? "labels.reshape(-1)" : "np.argmax(one_hot, axis=1)";
    throw new DatasetError(
      `${path}: it holds ${type} of shape (${shape.join(", ")}); labels are whole numbers, one an image: save ${one}.astype(np.int64)`,
    );
  }
  const content = new Uint8Array(file.size - dataOffset);
  file.read(content, dataOffset);
  file.close();
  const view = new DataView(content.buffer);
  return Uint32Array.from({ length: shape[0] ?? 0 }, (_, index) => {
    const label = numberAt(view, index * elementBytes);
    if (label >= 0 && label < classes) return label;
    throw labelBeyond(path, { offset: dataOffset + index * elementBytes, image: index }, label, classes);
  });
}
