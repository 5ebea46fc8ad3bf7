/**
 * preparationGraph: from the data lines of a recipe to the graph that makes images of bytes, in its form for training, with
 * augmentation, or for evaluation. Guarantees: the same draws decide whatever the timing, since each use has a stream of its
 * own and a draw depends on seed, step, stream and the sample's place in the batch.
 *
 *   data mnist { resize 32  normalize(mean: 0.13, std: 0.31)  augment { random_flip } }
 *   becomes   resize_image -> image_values -> random_flip -> normalize_image
 *
 * Bytes are resized and divided by 255; then come the augmentations in their order, then scaling, and erasing last. A mean
 * image has the place of the resized image: it is subtracted right after resizing and the jitter of colours.
 */
import type { Attrs, Graph, GraphNode, Origin, TensorType, ValueId } from "../ir/graph.ts";
import { formatShape, valueId } from "../ir/graph.ts";
import { resizedSize, sizeAfter, type ImageShape } from "../ir/preparedShape.ts";
import type { DataRecipe, RecipeCall } from "../ir/recipe.ts";
import { opNamed } from "./graphBuilder.ts";

/** What the host sends. */
export interface ImageSource {
  readonly shape: ImageShape;
  readonly dtype: "u8" | "f32";
  /** True where images are smaller than `shape`, each by its own height and width; they must then be resized. */
  readonly mixed?: boolean;
}

export type PreparationLines = Omit<DataRecipe, "source">;

/** No step of the text stands for what the data lines ask for. */
const origin: Origin = { span: { file: { path: "", text: "" }, start: 0, end: 0 }, calls: [], path: "" };

/** Streams of random numbers that no layer's dropout has. */
const firstStream = 0x7000_0000;
const streamsPerUse = 4;

/** What the lines ask for that cannot be done with images of this shape, as a phrase; undefined when nothing is wrong. */
export function preparationProblem(source: ImageSource, data: PreparationLines): string | undefined {
  const [channels] = source.shape;
  if (source.mixed === true && data.resize === undefined) {
    return "the images differ in size, so the recipe's data needs a line such as `resize 224`";
  }
  for (const [what, values] of Object.entries(data.normalize ?? {})) {
    if (values.length !== 1 && values.length !== channels) {
      return `normalize gives ${values.length} values for ${what}, but the images have ${channels} channels`;
    }
  }
  let [height, width] = resizedSize(source.shape, data);
  for (const call of data.augment) {
    const size = sizeAfter(call, [height, width]);
    if (call.name === "random_crop") {
      const padding = numberOf(call, "padding");
      if (size[0] > height + 2 * padding || size[1] > width + 2 * padding) {
        return `random_crop of ${formatShape(size)} does not fit images of ${height}x${width} with padding ${padding}`;
      }
    }
    [height, width] = size;
  }
  return undefined;
}

/** The shape of the mean that `subtract` needs: of the resized image, or of its channels. */
export function meanShape(source: ImageSource, data: PreparationLines): readonly number[] | undefined {
  if (data.subtract === undefined) return undefined;
  return data.subtract === "mean_channel" ? [source.shape[0]] : [source.shape[0], ...resizedSize(source.shape, data)];
}

function numberOf({ args }: RecipeCall, name: string): number {
  const value = args[name];
  return typeof value === "number" ? value : 0;
}

/** The graph of one form of preparation; its head "images" is what the network reads. */
export function preparationGraph(source: ImageSource, data: PreparationLines, training: boolean): Graph {
  const nodes: GraphNode[] = [];
  const types: TensorType[] = [];
  const define = (type: TensorType): ValueId => {
    types.push(type);
    return valueId(types.length - 1);
  };
  const build = (op: string, inputs: Readonly<Record<string, ValueId>>, attrs: Attrs = {}): ValueId => {
    const inputTypes = Object.entries(inputs).map(([name, value]) => [name, types[value] as TensorType] as const);
    const type = opNamed(op).inferType(Object.fromEntries(inputTypes), attrs);
    const output = define(type);
    nodes.push({ op, attrs, inputs, output, type, origin });
    return output;
  };
  const sizeNow = (value: ValueId): readonly [number, number] => {
    const [, height = 0, width = 0] = types[value]?.shape ?? [];
    return [height, width];
  };

  const input = define({ shape: source.shape, batched: true, dtype: source.dtype });
  const sizes = source.mixed === true ? define({ shape: [2], batched: true, dtype: "u32" }) : undefined;
  const shape = meanShape(source, data);
  const mean = shape === undefined ? undefined : define({ shape, batched: false, dtype: "f32" });

  let x = input;
  const resize = (size: readonly [number, number]): void => {
    const [height, width] = sizeNow(x);
    if (sizes !== undefined && x === input) x = build("resize_image", { x, sizes }, { size });
    else if (size[0] !== height || size[1] !== width) x = build("resize_image", { x }, { size });
  };
  // Resizing is linear: one division after it does for all that it reads.
  resize(resizedSize(source.shape, data));
  x = build("image_values", { x }, { most: source.dtype === "u8" ? 255 : 1 });
  const uses = data.augment.map((call, index) => ({ call, stream: firstStream + index * streamsPerUse }));
  const jitters = uses.filter(({ call }) => call.name === "color_jitter");
  const others = uses.filter(({ call }) => call.name !== "random_erasing");
  const erasing = uses.filter(({ call }) => call.name === "random_erasing");
  if (mean !== undefined && data.subtract === "mean_image") {
    jitters.forEach(augment);
    x = build("subtract_mean", { x, mean });
    others.filter((use) => !jitters.includes(use)).forEach(augment);
  } else {
    others.forEach(augment);
    if (mean !== undefined) x = build("subtract_mean", { x, mean });
  }
  if (data.normalize !== undefined) {
    const [channels] = source.shape;
    const each = (values: readonly number[]): readonly number[] =>
      values.length === channels ? values : new Array<number>(channels).fill(values[0] ?? 0);
    x = build("normalize_image", { x }, { mean: each(data.normalize.mean), std: each(data.normalize.std) });
  }
  erasing.forEach(augment);
  return {
    name: training ? "training images" : "images",
    inputs: [
      { name: "source", value: input, type: types[input] as TensorType },
      ...(sizes === undefined ? [] : [{ name: "sizes" as const, value: sizes, type: types[sizes] as TensorType }]),
    ],
    parameters: [],
    states: mean === undefined ? [] : [{ name: "mean", value: mean, type: types[mean] as TensorType, initial: 0 }],
    nodes,
    heads: [{ name: "images", value: x, weight: 1, origin }],
    named: new Map(),
  };

  function augment({ call, stream }: { readonly call: RecipeCall; readonly stream: number }): void {
    const size = sizeAfter(call, sizeNow(x));
    const list = (name: string): readonly number[] => call.args[name] as readonly number[];
    if (!training) {
      // Random parts become the middle; what only changes pixels is left out.
      const [height, width] = sizeNow(x);
      if (size[0] === height && size[1] === width) return;
      if (call.name === "random_resized_crop" && (size[0] > height || size[1] > width)) resize(size);
      else x = build("center_crop", { x }, { size });
      return;
    }
    switch (call.name) {
      case "random_flip":
        x = build("random_flip", { x }, { p: numberOf(call, "p"), stream });
        return;
      case "random_crop":
        x = build("random_crop", { x }, { size, padding: numberOf(call, "padding"), stream });
        return;
      case "center_crop":
        x = build("center_crop", { x }, { size });
        return;
      case "random_resized_crop": {
        const box = build("crop_box", { x }, { scale: list("scale"), ratio: list("ratio"), stream });
        x = build("crop_resized", { x, box }, { size });
        return;
      }
      case "random_rotation": {
        const angle = build("rotation_angle", { x }, { degrees: numberOf(call, "degrees"), stream });
        x = build("rotate_image", { x, angle });
        return;
      }
      case "color_jitter": {
        const [brightness, contrast, saturation] = ["brightness", "contrast", "saturation"].map((name) => numberOf(call, name)); // prettier-ignore
        if (brightness) x = build("jitter_brightness", { x }, { amount: brightness, stream });
        if (contrast) {
          const mean = build("mean_grey", { x: build("row_grey", { x }) });
          x = build("jitter_contrast", { x, mean }, { amount: contrast, stream: stream + 1 });
        }
        if (saturation && source.shape[0] === 3) {
          x = build("jitter_saturation", { x }, { amount: saturation, stream: stream + 2 });
        }
        return;
      }
      case "random_erasing": {
        const box = build(
          "erased_box",
          { x },
          { p: numberOf(call, "p"), scale: list("scale"), ratio: list("ratio"), stream },
        );
        x = build("erase_box", { x, box });
      }
    }
  }
}
