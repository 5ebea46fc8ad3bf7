/** The passes from a recipe's data lines to the programs that make images of bytes, one with augmentation and one without. */
import { meanShape, preparationGraph } from "./3-differentiate/preparationGraph.ts";
import type { ImageSource, PreparationLines } from "./3-differentiate/preparationGraph.ts";
import { chooseSchedule } from "./4-fuse/chooseSchedule.ts";
import { inlineMaps } from "./4-fuse/inlineMaps.ts";
import { planMemory, sizeBytesOf } from "./5-plan/planMemory.ts";
import type { PreparationPart, PreparationProgram } from "./6-emit/emitPreparation.ts";
import { typeOf, typesOf, verifyGraph } from "./ir/graph.ts";
import type { ValueId } from "./ir/graph.ts";
import { verifyKernels } from "./ir/kernel.ts";
import type { Kernel, Schedule } from "./ir/kernel.ts";
import { verifyMemory } from "./ir/memory.ts";
import type { Place, Slot } from "./ir/memory.ts";
import { loadsOf } from "./ir/expression.ts";
import { ops } from "./ops/index.ts";

export interface PreparationOptions {
  readonly batch: number;
  readonly adapterClass: "cpu" | "gpu";
  /** Whether the network trains: without it there is the form for evaluation alone. */
  readonly training: boolean;
}

/** About how many lines a kernel may unroll to; and loads of one pixel up to which an invocation computes four. */
const [lineBudget, fewLoads] = [60, 6];

/** Both forms of preparation, in the terms of `emitPreparation`. */
export function runPreparation(
  source: ImageSource,
  data: PreparationLines,
  options: PreparationOptions,
): PreparationPart {
  const mean = meanShape(source, data);
  return {
    source,
    ...(mean !== undefined && { meanShape: mean }),
    ...(options.training && { training: preparationProgram(source, data, true, options) }),
    inference: preparationProgram(source, data, false, options),
  };
}

/** One pixel an invocation where it takes many loads: neighbours share few of them, and the text stays short. */
function scheduleOf(kernel: Kernel, adapterClass: "cpu" | "gpu"): Schedule {
  const schedule = chooseSchedule(kernel, { adapterClass, splittable: false, lineBudget });
  const isHeavy = kernel.stages.some(
    ({ computation }) => computation.body.kind === "map" && loadsOf(computation).length > fewLoads,
  );
  return isHeavy ? { ...schedule, tile: {} } : schedule;
}

/** One form. Its first slots are what lies elsewhere: the network's images, what the host sends, and the mean. */
function preparationProgram(
  source: ImageSource,
  data: PreparationLines,
  training: boolean,
  { batch, adapterClass }: PreparationOptions,
): PreparationProgram {
  const graph = preparationGraph(source, data, training);
  verifyGraph(graph);
  const inlined = inlineMaps(graph, { ops, batch });
  const kernels = {
    ...inlined,
    kernels: inlined.kernels.map((kernel) => ({
      ...kernel,
      schedule: scheduleOf(kernel, adapterClass),
    })),
  };
  const given = [...graph.inputs, ...graph.states];
  verifyKernels(kernels, new Set(given.map(({ value }) => value)));
  const types = typesOf(graph);
  const outside = [...graph.heads, ...given].map(({ name, value }) => {
    return { name, value, sizeBytes: sizeBytesOf(typeOf(types, value), batch) };
  });
  const slots = outside.map(({ name, sizeBytes }): Slot => ({ name, sizeBytes, lifetime: "persistent" }));
  const places = outside.map(({ value, sizeBytes }, slot): [ValueId, Place] => [
    value,
    { slot, offsetBytes: 0, sizeBytes },
  ]);
  const memory = planMemory(kernels, {
    batch,
    typeOf: (value) => typeOf(types, value),
    inputs: [],
    outputs: [],
    persistentSlots: slots,
    persistentPlaces: new Map(places),
  });
  verifyMemory(memory);
  return { graph, kernels, memory };
}
