/** An IDX file of unsigned bytes. */
export function idxFile(dimensions: readonly number[], elements: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * dimensions.length + elements.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0800 + dimensions.length);
  dimensions.forEach((size, axis) => {
    view.setUint32(4 + 4 * axis, size);
  });
  bytes.set(elements, 4 + 4 * dimensions.length);
  return bytes;
}

/** A small data set in MNIST's four files, by name. */
export function smallDataset(trainCount: number, testCount: number, size = 28): Readonly<Record<string, Uint8Array>> {
  const images = (count: number, seed: number): Uint8Array =>
    idxFile(
      [count, size, size],
      // Each class has its own stripe, so that there is something to learn.
      Array.from({ length: count * size * size }, (_, i) => {
        const [image, row] = [Math.floor(i / (size * size)), Math.floor(i / size) % size];
        const stripe = Math.floor((row * 10) / size) === image % 10;
        return (stripe ? 180 : 20) + ((i * 2654435761 + seed) >>> 28);
      }),
    );
  const labels = (count: number): Uint8Array =>
    idxFile([count], Array.from({ length: count }, (_, image) => image % 10)); // prettier-ignore
  return {
    "train-images-idx3-ubyte": images(trainCount, 1),
    "train-labels-idx1-ubyte": labels(trainCount),
    "t10k-images-idx3-ubyte": images(testCount, 2),
    "t10k-labels-idx1-ubyte": labels(testCount),
  };
}
