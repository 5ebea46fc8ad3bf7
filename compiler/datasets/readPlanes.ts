/** A picture file as planes of bytes, by whichever thread: what is asked, what is answered, and how an answer travels. */
import { readFileSync } from "node:fs";
import { planesOf, resizeBytes } from "cnnc/runtime";
import { describeFileError } from "../files/userError.ts";
import { DamagedPicture, DatasetError } from "./datasetError.ts";
import { decodeImage, type DecodedImage, type ImageSize } from "./decodeImage.ts";

export interface PictureRequest {
  readonly path: string;
  /** That it had when its file was opened. */
  readonly own: ImageSize;
  /** That its planes are to have. */
  readonly size: ImageSize;
  readonly channels: number;
}

export interface PicturePlanes {
  /** Channel after channel. */
  readonly planes: Uint8Array<ArrayBuffer>;
  /** Whether it had colours, and was made grey. */
  readonly lostColours: boolean;
}

/** What a thread answers: errors travel as their parts, since a copy of one is of no class. */
export type PictureAnswer =
  | ({ readonly kind: "planes" } & PicturePlanes)
  | { readonly kind: "damaged"; readonly path: string; readonly reason: string; readonly cause: unknown }
  | { readonly kind: "unreadable"; readonly message: string; readonly cause: unknown };

/**
 * The planes of a file; `DatasetError` where it cannot be read or is no longer of the size that it was, `DamagedPicture` where it does
 * not decode. It waits for the file: where a picture is small, all else costs more than its pixels.
 */
export function readPlanes({ path, own, size, channels }: PictureRequest): PicturePlanes | DatasetError {
  const content = readContent(path);
  if (content instanceof DatasetError) return content;
  const decoded = decodeUnlessDamaged(content, path);
  if (decoded instanceof DamagedPicture) return decoded;
  const { height, width, rgba } = decoded;
  if (height !== own.height || width !== own.width) {
    return new DatasetError(
      `${path}: it is ${width}x${height} now; it was ${own.width}x${own.height} when it was opened`,
    );
  }
  const planes = planesOf(rgba, height * width, channels);
  return {
    planes: resizeBytes(planes, [channels, height, width], [size.height, size.width]),
    lostColours: channels === 1 && isColoured(decoded),
  };
}

function readContent(path: string): Uint8Array | DatasetError {
  try {
    return readFileSync(path);
  } catch (error) {
    return new DatasetError(`cannot read ${path}: ${describeFileError(error)}`, 1, { cause: error });
  }
}

function decodeUnlessDamaged(content: Uint8Array, path: string): DecodedImage | DamagedPicture {
  try {
    return decodeImage(content, path);
  } catch (error) {
    if (error instanceof DamagedPicture) return error;
    throw error;
  }
}

function isColoured({ rgba }: DecodedImage): boolean {
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at] !== rgba[at + 1] || rgba[at] !== rgba[at + 2]) return true;
  }
  return false;
}

export function toAnswer(picture: PicturePlanes | DatasetError): PictureAnswer {
  if (!(picture instanceof DatasetError)) return { kind: "planes", ...picture };
  const { message, cause } = picture;
  return picture instanceof DamagedPicture
    ? { kind: "damaged", path: picture.path, reason: picture.reason, cause }
    : { kind: "unreadable", message, cause };
}

export function fromAnswer(answer: PictureAnswer): PicturePlanes | DatasetError {
  switch (answer.kind) {
    case "planes":
      return answer;
    case "damaged":
      return new DamagedPicture(answer.path, answer.reason, { cause: answer.cause });
    case "unreadable":
      return new DatasetError(answer.message, 1, { cause: answer.cause });
  }
}
