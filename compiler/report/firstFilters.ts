import { shapeElements } from "../ir/graph.ts";
import type { Graph } from "../ir/graph.ts";
import type { Absent, Filters } from "./reportData.ts";

/** Filters beyond these are not shown: the page would grow, and they look alike. */
const mostFilters = 96;

/** The weights of the layer that reads the images, each as an image: a convolution's kernels, or a linear layer's rows. */
export function firstFilters(
  graph: Graph,
  weights: string,
  tensor: (name: string) => Float32Array | undefined,
): Filters | Absent {
  const [images] = graph.inputs;
  const first = graph.nodes.find(({ inputs }) =>
    graph.parameters.some(({ value, role }) => role === "weight" && Object.values(inputs).includes(value)),
  );
  const parameter = first && graph.parameters.find(({ value, role }) => role === "weight" && Object.values(first.inputs).includes(value)); // prettier-ignore
  if (first === undefined || parameter === undefined || images === undefined) {
    return { absent: "The network has no layer with weights." };
  }
  const { shape } = parameter.type;
  const [count = 0, features = 0] = shape;
  const size = shape.length === 4 ? shape.slice(1) : imageShape(images.type.shape, features);
  if (size === undefined) {
    return { absent: `The weights of the first layer, ${first.origin.path}, are no images: ${shape.join(" x ")}.` };
  }
  const values = tensor(parameter.name);
  if (values === undefined) return { absent: `The weights hold no tensor ${parameter.name}.` };
  const [channels = 1, height = 1, width = 1] = size;
  const length = channels * height * width;
  const filters = Array.from({ length: Math.min(count, mostFilters) }, (_, index) => values.slice(index * length, (index + 1) * length)); // prettier-ignore
  return { weights, layer: first.origin.path, op: first.op, count, channels, height, width, filters };
}

/** A row of a linear layer that reads the whole image. */
function imageShape(shape: readonly number[], features: number): readonly number[] | undefined {
  const isWhole = shapeElements(shape) === features;
  if (!isWhole) return undefined;
  if (shape.length === 3) return shape;
  const side = Math.sqrt(features);
  return Number.isInteger(side) ? [1, side, side] : undefined;
}
