/** Images and their classes as they lie in a data set's files: bytes, not yet scaled to [0, 1]. */
export interface ImageSet {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** count x channels x height x width. */
  readonly pixels: Uint8Array;
  /** One class index an image. */
  readonly labels: Uint8Array;
}

/** The two halves of a data set, with where they come from. */
export interface Dataset {
  /** For people: "fashion_mnist from /usr/share/datasets/fashion-mnist: 60000 train and 10000 test images". */
  readonly description: string;
  readonly classNames: readonly string[];
  readonly train: ImageSet;
  readonly test: ImageSet;
}
