import { UserError } from "../files/userError.ts";

/** A data set that cannot be read or does not fit the model; the message names the file, and the offset where it has one. */
export class DatasetError extends UserError {
  override readonly name: string = "DatasetError";
}

/** A picture whose beginning and end are there, and which is damaged between them: found when it is decoded. */
export class DamagedPicture extends DatasetError {
  override readonly name = "DamagedPicture";

  constructor(
    readonly path: string,
    /** What is wrong with it, without its path. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${reason}`, 1, options);
  }
}

/** Of a half of a data set without a single picture that could be read. */
export function noneCanBeRead(
  half: "training" | "test",
  count: number,
  last: DamagedPicture | undefined,
): DatasetError {
  return new DatasetError(`none of the ${count} ${half} images can be read: ${last?.message ?? "there are none"}`, 1, {
    cause: last,
  });
}

/** A label at an offset of a file that no class of the model or the data set answers to. */
export function labelBeyond(
  path: string,
  place: { readonly offset: number; readonly image: number },
  label: number,
  classes: number,
): DatasetError {
  const { offset, image } = place;
  return new DatasetError(
    `${path}: the label at offset ${offset} (image ${image}) is ${label}, beyond the ${classes} classes 0 to ${classes - 1}`,
  );
}

/** Throws `DatasetError` where there are no images, or not one label for each. */
export function checkCounts(
  images: { readonly path: string; readonly count: number },
  labels: { readonly path: string; readonly count: number },
): void {
  if (images.count === 0) throw new DatasetError(`${images.path}: it holds no images`);
  if (labels.count === images.count) return;
  throw new DatasetError(
    `${labels.path} holds ${labels.count} labels, but ${images.path} holds ${images.count} images`,
  );
}

/** Throws `DatasetError` where a file is not as long as its header says; `what` it holds ends at the offset `expected`. */
export function checkLength(path: string, found: number, expected: number, what: string): void {
  if (found < expected) {
    throw new DatasetError(
      `${path}: it is truncated: its data ends at offset ${found}, but ${what} end at ${expected}`,
    );
  }
  if (found > expected) {
    throw new DatasetError(`${path}: ${found - expected} bytes too many after offset ${expected}, where ${what} end`);
  }
}
