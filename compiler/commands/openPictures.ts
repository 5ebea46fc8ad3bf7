/** PNG and JPEG files given on the command line, as the images that a recipe's data lines prepare. */
import { readAhead } from "cnnc/runtime";
import { createPictureReader } from "../datasets/createPictureReader.ts";
import type { ImageSize } from "../datasets/decodeImage.ts";
import type { RawBatch } from "../datasets/imageSet.ts";
import { fitted, placePlanes, readPictureSize, roomFor, sideWithin } from "../datasets/pictureFile.ts";
import type { PicturePlanes } from "../datasets/readPlanes.ts";
import { preparationProblem } from "../3-differentiate/preparationGraph.ts";
import { UserError } from "../files/userError.ts";
import { givesInput, type ImageSource } from "../imageSource.ts";
import { preparedShape } from "../ir/preparedShape.ts";
import { formatShape } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { channelsOf, roomPixelsOf } from "./openData.ts";

/** What is heard while pictures are read. */
export interface PictureNotes {
  /** A file that is passed over, with all that is wrong with it, its name included. */
  failed(path: string, reason: string): void;
  note(text: string): void;
}

export interface Pictures {
  /** What the host sends of them. */
  readonly source: ImageSource;
  /** The pictures that could be read, up to `count` at a time, the next ones being read meanwhile. */
  batches(count: number): AsyncGenerator<PictureBatch>;
}

export interface PictureBatch {
  readonly paths: readonly string[];
  readonly images: RawBatch;
}

interface PictureFile {
  readonly path: string;
  readonly own: ImageSize;
  /** What it is made before the network's own preparation. */
  readonly size: ImageSize;
}

/**
 * Reads the sizes of all files, and decides how they are sent: each in its own size where the recipe resizes or they fit as they
 * are, else resized to its images' size. Undefined where no file is a picture; throws `UserError` where none could be fed.
 */
export function openPictures(
  paths: readonly string[],
  compiled: CompiledNetwork,
  recipe: Recipe,
  notes: PictureNotes,
): Pictures | undefined {
  const { plan, name } = compiled;
  const channels = channelsOf(plan);
  if (![1, 3, 4].includes(channels)) {
    throw new UserError(
      `${name} reads ${channels} channels; a picture gives 1 (grey), 3 (red, green, blue) or 4 (with its opacity)`,
    );
  }
  const readable: Omit<PictureFile, "size">[] = [];
  for (const path of paths) {
    const own = readPictureSize(path);
    if (typeof own === "string") notes.failed(path, `${path}: ${own}`);
    else readable.push({ path, own });
  }
  if (readable.length === 0) return undefined;
  const sizes = readable.map(({ own }) => own);
  const side = sideWithin(sizes, roomPixelsOf(plan));
  const found = readable.map((file): PictureFile => ({ ...file, size: fitted(file.own, side) }));
  const source = chooseSource(found, compiled, recipe);
  const [, height, width] = source.shape;
  const isRoom = source.mixed === true || found.every(({ size }) => size.height === height && size.width === width);
  const files = isRoom ? found : found.map((file) => ({ ...file, size: { height, width } }));
  const resized = files.filter(({ own, size }) => own.height !== size.height || own.width !== size.width);
  if (resized.length > 0) {
    const to = isRoom ? `larger than ${side} pixels` : `of another size than the recipe's ${height}x${width}`;
    notes.note(`${countText(resized.length)} ${to}, and resized while read`);
  }
  return { source, batches: (count) => readBatches(files, source, count, notes, name) };
}

/** Pictures as they are, where the data lines make the network's input of them; else of the size that its data has. */
function chooseSource(files: readonly PictureFile[], compiled: CompiledNetwork, { data }: Recipe): ImageSource {
  const { name, plan } = compiled;
  const { height, width, mixed } = roomFor(files.map(({ size }) => size));
  const channels = channelsOf(plan);
  const own: ImageSource = { shape: [channels, height, width], dtype: "u8", mixed };
  const [, rows = 0, columns = 0] = plan.preparation?.sourceShape ?? plan.inputShape;
  // Of a vector, only a named set says how it is an image.
  const isKnown = plan.inputShape.length === 3 || data.source.kind === "named";
  const usual: ImageSource = { shape: [channels, rows, columns], dtype: "u8", mixed: false };
  const candidates = isKnown && data.resize === undefined ? [own, usual] : [own];
  const source = candidates.find((candidate) => givesInput(candidate, data, plan.inputShape));
  if (source !== undefined) return source;
  const problem =
    preparationProblem(own, data) ??
    `its recipe's data lines make ${formatShape(preparedShape(own.shape, data))} of these`;
  throw new UserError(`${name} takes images of ${formatShape(plan.inputShape)}: ${problem}`);
}

async function* readBatches(
  files: readonly PictureFile[],
  source: ImageSource,
  count: number,
  notes: PictureNotes,
  name: string,
): AsyncGenerator<PictureBatch> {
  let coloured = 0;
  const reader = createPictureReader();
  const read = async (index: number): Promise<PictureBatch> => {
    const some = files.slice(index * count, (index + 1) * count);
    const found: (PicturePlanes | UserError)[] = [];
    const [channels] = source.shape;
    const requests = some.map(({ path, own, size }) => ({ path, own, size, channels }));
    await reader.read(requests, (at, picture) => (found[at] = picture));
    const pictures = some.flatMap((file, at) => {
      const picture = found[at] as PicturePlanes | UserError;
      if (picture instanceof UserError) {
        notes.failed(file.path, picture.message);
        return [];
      }
      if (picture.lostColours) coloured++;
      return [{ file, planes: picture.planes }];
    });
    return place(pictures, source);
  };
  for await (const batch of readAhead(Math.ceil(files.length / count), read)) if (batch.paths.length > 0) yield batch;
  if (coloured > 0) notes.note(`${countText(coloured)} in colour, and made grey: ${name} reads one channel`);
}

function place(
  pictures: readonly { readonly file: PictureFile; readonly planes: Uint8Array }[],
  { shape: [channels, height, width] }: ImageSource,
): PictureBatch {
  const room = channels * height * width;
  const raw = new Uint8Array(pictures.length * room);
  pictures.forEach(({ file, planes }, index) => {
    placePlanes(planes, file.size, raw, index * room, { channels, height, width });
  });
  const sizes = Uint32Array.from(pictures.flatMap(({ file: { size } }) => [size.height, size.width]));
  return { paths: pictures.map(({ file }) => file.path), images: { raw, sizes } };
}

function countText(count: number): string {
  return count === 1 ? "1 picture is" : `${count} pictures are`;
}
