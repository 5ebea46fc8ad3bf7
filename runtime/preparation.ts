import { NetworkError } from "./errors.ts";
import { meanKey } from "./fileFormat.ts";
import { preparationOf, toBatch } from "./images.ts";
import type { ImageBatch } from "./images.ts";
import { imageSize, refuse, refuseUnprepared } from "./input.ts";
import { writeElements } from "./places.ts";
import { preparedBy, trainingOf } from "./programs.ts";
import { copyOut } from "./readback.ts";
import type { Session } from "./session.ts";
import { elementCount, formatShape } from "./shapes.ts";
import type { Notes } from "./weights.ts";

/** Which step reads the images. */
export type ImageReader = "training" | "inference";

/** Gives the GPU a step's images: numbers as they are, bytes with the program that prepares them. */
export interface ImageFeed {
  /** Compiles what such images need; nothing where they are numbers. */
  prepare(reader: ImageReader, batch: ImageBatch): Promise<void>;
  /** Writes the images, and adds their preparation to the step's commands. Uniforms must be written before the submit. */
  encode(reader: ImageReader, batch: ImageBatch, encoder: GPUCommandEncoder): void;
  /** What a step would read of these images: with augmentation for training, without for inference. */
  read(reader: ImageReader, images: unknown): Promise<Float32Array<ArrayBuffer>>;
  /** Sets the mean of the training images that the recipe subtracts. */
  setMean(values: Float32Array): void;
  /** That mean, once it is known. */
  readonly mean: Float32Array<ArrayBuffer> | undefined;
  /** What a file of weights tells of the mean. */
  notes(): Notes;
  /** Sets the mean that a file tells, where there is one and the recipe subtracts it. */
  takeNotes(notes: Notes): void;
}

export function createImageFeed(session: Session, writeUniforms: (count: number) => void): ImageFeed {
  const { plan, buffers, watched } = session;
  let mean: Float32Array<ArrayBuffer> | undefined;
  // The GPU takes whole words, so that the bytes of an odd number of images go through a copy.
  let padded = new Uint8Array(0);
  const words = (data: Uint8Array | Uint8ClampedArray): Uint8Array<ArrayBuffer> => {
    if (data.length % 4 === 0) return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
    const size = Math.ceil(data.length / 4) * 4;
    if (padded.length < size) padded = new Uint8Array(size);
    padded.set(data);
    return padded.subarray(0, size);
  };
  const placeOf = (reader: ImageReader): { readonly buffer: number; readonly offset: number } => {
    return reader === "training" ? trainingOf(plan).images : plan.inference.images;
  };

  const feed: ImageFeed = {
    async prepare(reader, batch) {
      if (batch.kind === "raw") await session.prepare(preparedBy[reader]);
    },
    encode(reader, batch, encoder) {
      const { data, count } = batch;
      if (batch.kind === "values") {
        writeElements(buffers, placeOf(reader), data as Float32Array<ArrayBuffer>);
        return;
      }
      const program = session.prepared(preparedBy[reader]);
      if (program === undefined) refuseUnprepared(preparedBy[reader]);
      const { source, sizes, mean: subtracted } = preparationOf(plan);
      if (subtracted !== undefined && mean === undefined) {
        refuse(
          `the recipe of ${plan.name} subtracts the mean of its training images: load weights that were saved with it, or set it ` +
            "with `setImageMean`",
        );
      }
      const bytes = data instanceof Float32Array ? (data as Float32Array<ArrayBuffer>) : words(data);
      buffers.write(source.buffer, source.offset, bytes);
      if (sizes !== undefined && batch.sizes !== undefined) {
        buffers.write(sizes.buffer, sizes.offset, batch.sizes as Uint32Array<ArrayBuffer>);
      }
      session.encode(encoder, program, count);
    },
    async read(reader, images) {
      watched.check();
      const batch = toBatch(plan, images);
      if (batch.count > plan.batch) {
        refuse(`${batch.count} images are more than the batch of ${plan.batch} that ${plan.name} was compiled for`);
      }
      await feed.prepare(reader, batch);
      const encoder = watched.device.createCommandEncoder({ label: "prepared images" });
      feed.encode(reader, batch, encoder);
      writeUniforms(batch.count);
      const size = batch.count * imageSize(plan) * 4;
      const readback = copyOut(watched, buffers, encoder, [{ ...placeOf(reader), size }]);
      session.submit(encoder);
      return (await readback.take())[0] as Float32Array<ArrayBuffer>;
    },
    setMean(values) {
      watched.check();
      const { mean: place } = preparationOf(plan);
      if (place === undefined) return refuse(`the recipe of ${plan.name} subtracts no mean`);
      const size = elementCount(place);
      if (values.length !== size) {
        refuse(`the mean must hold ${formatShape(place.shape)} = ${size} values, found ${values.length}`);
      }
      mean = Float32Array.from(values);
      buffers.write(place.buffer, place.offset, mean);
    },
    get mean() {
      return mean;
    },
    notes: () => (mean === undefined ? {} : { [meanKey]: JSON.stringify([...mean]) }),
    takeNotes({ [meanKey]: text }) {
      const place = plan.preparation?.mean;
      if (text === undefined || place === undefined) return;
      let values: Float32Array<ArrayBuffer> | undefined;
      try {
        values = Float32Array.from(JSON.parse(text) as readonly number[]);
      } catch {
        values = undefined;
      }
      if (values?.length !== elementCount(place)) {
        throw new NetworkError(
          "weights",
          `the file's mean of the training images is no list of ${formatShape(place.shape)} values`,
        );
      }
      feed.setMean(values);
    },
  };
  return feed;
}
