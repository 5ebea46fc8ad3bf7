/** What data lines make of images, op by op in float64: what the kernels are compared with. */
import { preparationGraph } from "../../compiler/3-differentiate/preparationGraph.ts";
import type { ImageSource, PreparationLines } from "../../compiler/3-differentiate/preparationGraph.ts";
import { interpretGraph } from "./interpret.ts";
import type { Values } from "./interpret.ts";

export interface PreparationRun {
  readonly source: ImageSource;
  readonly lines: Partial<PreparationLines>;
  /** With augmentation; default true. */
  readonly training?: boolean;
  readonly pixels: Values;
  readonly batch: number;
  /** Height and width of each image, where they differ. */
  readonly sizes?: Uint32Array;
  readonly mean?: Float32Array;
  readonly uniforms?: Readonly<Record<string, number>>;
}

export function interpretPreparation(run: PreparationRun): readonly number[] {
  const { source, lines, training = true, pixels, batch, sizes, mean, uniforms = { seed: 5, step: 2 } } = run;
  const graph = preparationGraph(source, { augment: [], ...lines }, training);
  const inputs = { source: pixels, ...(sizes !== undefined && { sizes }) };
  const states = mean === undefined ? {} : { mean };
  const values = interpretGraph(graph, { inputs, parameters: {}, states }, { batch, count: batch, uniforms });
  const output = graph.heads[0]?.value;
  if (output === undefined) throw new Error("the graph has no output");
  return [...(values.get(output)?.values ?? [])];
}

/** Bytes that differ from place to place. */
export function testBytes({ shape }: ImageSource, count: number): Uint8Array<ArrayBuffer> {
  const size = shape.reduce((product, extent) => product * extent, count);
  return Uint8Array.from({ length: size }, (_, index) => (index * 37 + (index >> 3) * 11) % 256);
}
