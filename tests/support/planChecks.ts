/**
 * What must hold of every compiled network, checked on the CPU in float64: fused and unfused plans and the graph itself give
 * the same numbers, nothing that is still read is overwritten in memory, and gradients are those of central differences.
 * Each check gives what is wrong, a line each.
 */
import { elementCount, verifyGraph } from "../../compiler/ir/graph.ts";
import type { Graph, TrainingGraph, ValueId } from "../../compiler/ir/graph.ts";
import { loadedNames, namedValue, storageIn, verifyKernels } from "../../compiler/ir/kernel.ts";
import type { KernelPlan, Stage } from "../../compiler/ir/kernel.ts";
import { slabPlaces, verifyMemory } from "../../compiler/ir/memory.ts";
import type { Place } from "../../compiler/ir/memory.ts";
import type { ProgramPlan } from "../../compiler/ir/output.ts";
import { interpretGraph } from "./interpret.ts";
import type { GraphFeeds, StepSettings, Values } from "./interpret.ts";
import { assertTiles, interpretKernels } from "./interpretKernels.ts";
import { testNumbers, testWeights } from "./layerGraph.ts";
import { classWeights } from "./randomSpec.ts";

/** Numbers for every input, parameter and statistic of a graph; labels are classes. */
export function feedsFor(graph: Graph, batch: number, classes: number): GraphFeeds {
  const inputs = graph.inputs.map(({ name, type }, index): readonly [string, Values] => {
    const count = (type.batched ? batch : 1) * elementCount(type);
    if (name === "labels") return [name, Uint32Array.from({ length: count }, (_, i) => (i * 2 + 1) % classes)];
    if (name === "class_weights") return [name, Float64Array.from(classWeights.slice(0, count))];
    return [name, testNumbers(count, 3 + index)];
  });
  return { inputs: Object.fromEntries(inputs), ...testWeights(graph) };
}

/** Runs the verification of every stage once more, and checks that the schedules' tiles hold what is read from them. */
export function verifyProgram({ graph, kernels, memory }: ProgramPlan): void {
  verifyGraph(graph);
  const external = [...graph.inputs, ...graph.parameters, ...graph.states].map(({ value }) => value);
  verifyKernels(kernels, new Set(external.flatMap((value) => kernels.slabsOf.get(value) ?? [value])));
  verifyMemory(memory);
  for (const kernel of kernels.kernels) assertTiles(kernel);
}

/** Where the numbers that a program stores differ from the graph's, node by node, and from another plan's of the graph. */
export function programDifferences(
  { graph, kernels }: ProgramPlan,
  unfused: ProgramPlan,
  feeds: GraphFeeds,
  settings: StepSettings,
): { readonly compared: number; readonly problems: readonly string[] } {
  const ours = interpretKernels(graph, kernels, feeds, settings);
  const theirs = interpretKernels(unfused.graph, unfused.kernels, feeds, settings);
  const expected = interpretGraph(graph, feeds, settings);
  const problems: string[] = [];
  let compared = 0;
  for (const { output, op, type } of graph.nodes) {
    // What samples past the step's own hold is nobody's business.
    const share = type.batched ? settings.count / settings.batch : 1;
    const [fused, alone, wanted] = [ours, theirs, expected].map((values) => values.get(output)?.values);
    const differing = (what: string, actual: Values | undefined, correct: Values | undefined): readonly string[] => {
      const difference = differenceOf(beginning(actual, share), beginning(correct, share));
      return difference === 0 ? [] : [`${what}: differs by ${difference}`];
    };
    if (fused !== undefined) {
      compared++;
      problems.push(...differing(`${op} %${output} as its node computes it`, fused, wanted));
    }
    if (alone !== undefined) problems.push(...differing(`unfused ${op} %${output}`, alone, wanted));
    if (fused !== undefined && alone !== undefined)
      problems.push(...differing(`${op} %${output} of the unfused plan`, fused, alone));
  }
  for (const value of resultsOf(graph)) {
    if (!ours.has(kernels.aliasOf.get(value) ?? value)) problems.push(`%${value} is not stored`);
  }
  return { compared, problems };
}

/** What the host reads of a program. */
function resultsOf(graph: Graph): readonly ValueId[] {
  if (!("gradientOf" in graph)) return graph.heads.map(({ value }) => value);
  const { gradientOf, updateOf, metrics } = graph as TrainingGraph;
  return [...gradientOf.values(), ...updateOf.values(), metrics];
}

function beginning(values: Values | undefined, share: number): Values {
  if (values === undefined) throw new Error("a value was not computed");
  return values.slice(0, values.length * share);
}

/** The greatest difference, relative to the greatest number, which counts as `floor` at least; 0 below what float64 rounds. */
export function differenceOf(actual: Values, expected: Values, floor = 1): number {
  if (actual.length !== expected.length) return Infinity;
  let [worst, scale] = [0, floor];
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i] as number));
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }
  return worst / scale < 1e-11 ? 0 : worst / scale;
}

/**
 * Values that a kernel reads from memory after something else was written over them, by the memory plan's places alone: what
 * `verifyMemory` concludes from lifetimes, seen by walking the kernels.
 */
export function memoryProblems({ graph, kernels, memory }: ProgramPlan): readonly string[] {
  const problems: string[] = [];
  const intact = new Map<ValueId, readonly Place[]>();
  const write = (value: ValueId, by: string): void => {
    const places = slabPlaces(memory, value);
    if (places.length === 0) {
      problems.push(`${by}: %${value} has no place`);
      return;
    }
    if (places.some((each, index) => places.slice(0, index).some((other) => overlap(each, other))))
      problems.push(`slabs of %${value} overlap`);
    // What is joined of parts is written part by part.
    for (const [other, lies] of intact)
      if (other !== value && lies.some((each) => places.some((own) => overlap(own, each)))) intact.delete(other);
    intact.set(value, places);
  };
  const slabsOf = (value: ValueId): readonly ValueId[] => {
    const storage = kernels.aliasOf.get(value) ?? value;
    return kernels.slabsOf.get(storage) ?? [storage];
  };
  for (const { value } of [...graph.parameters, ...graph.states, ...graph.inputs]) {
    // An input that nothing reads has no place.
    for (const slab of slabsOf(value)) if (memory.placeOf.has(slab)) write(slab, "input");
  }
  for (const { name, stages } of kernels.kernels) {
    const own = new Set(stages.map(({ value }) => value));
    for (const { computation } of stages) {
      for (const read of [...loadedNames(computation)].map(namedValue)) {
        const value = storageIn(kernels, read);
        if (!own.has(value) && !intact.has(value)) problems.push(`${name} reads %${value}, which was overwritten`);
      }
    }
    for (const stage of stages) {
      const { value, stored, overwrites } = stage;
      // What takes the place of a value that died has a name of its own.
      if (stored)
        write(
          overwrites !== undefined && memory.inPlaceOf.has(value) ? value : storageIn(kernels, storageOf(stage)),
          name,
        );
    }
  }
  if ("gradientOf" in graph) {
    const { gradientOf, metrics } = graph as TrainingGraph;
    for (const value of [...gradientOf.values(), metrics].flatMap(slabsOf)) {
      if (!intact.has(value)) problems.push(`%${value} does not last to the end of the step`);
    }
  }
  return problems;
}

/** The value whose place a stage writes: its own, or the one that it overwrites or is a part of. */
function storageOf({ value, overwrites, slice }: Stage): ValueId {
  return overwrites ?? slice?.of ?? value;
}

function overlap(a: Place, b: Place): boolean {
  return (
    a.slot === b.slot && a.offsetBytes < b.offsetBytes + b.sizeBytes && b.offsetBytes < a.offsetBytes + a.sizeBytes
  );
}

/** How far apart the two points of a difference may lie; the next is taken where a kink lies between the points. */
const differenceSteps = [1e-5, 1e-6, 1e-7, 1e-8];

/**
 * Gradients that are not the loss's slope. For each parameter, and for the images, the gradient's product with a direction
 * in which every element takes part is compared with the difference of the loss along it.
 */
export function gradientProblems(
  program: ProgramPlan & { readonly graph: TrainingGraph },
  feeds: GraphFeeds,
  settings: StepSettings,
  lossIsMean: boolean,
): { readonly compared: number; readonly problems: readonly string[] } {
  const { graph, kernels } = program;
  const lossOnly = kernelsFor(kernels, graph.metrics);
  const lossOf = (): number => {
    const metrics = interpretKernels(graph, lossOnly, feeds, settings).get(graph.metrics)?.values;
    let sum = 0;
    for (let sample = 0; sample < settings.count; sample++) sum += metrics?.[2 * sample] ?? NaN;
    return lossIsMean ? sum / settings.count : sum;
  };
  const values = interpretKernels(graph, kernels, feeds, settings);
  const targets = [
    ...graph.inputs.filter(({ name }) => name === "images").map(({ value }) => ({ value, name: "images", of: feeds.inputs })), // prettier-ignore
    ...graph.parameters.map(({ value, name }) => ({ value, name, of: feeds.parameters })),
  ];
  const problems: string[] = [];
  for (const [index, { value, name, of }] of targets.entries()) {
    const wanted = graph.gradientOf.get(value);
    const numbers = of[name];
    if (numbers === undefined) throw new Error(`no numbers for ${name}`);
    // A parameter that the loss does not depend on has no gradient.
    const gradient = wanted === undefined ? undefined : values.get(kernels.aliasOf.get(wanted) ?? wanted)?.values;
    if (wanted !== undefined && gradient?.length !== numbers.length) {
      problems.push(`${name}: ${gradient?.length ?? "no"} elements in its gradient, not ${numbers.length}`);
      continue;
    }
    const direction = unitVector(numbers.length, index + 100);
    const slope = direction.reduce((sum, part, i) => sum + part * (gradient?.[i] ?? 0), 0);
    const found: number[] = [];
    const isTrue = differenceSteps.some((step) => {
      const difference = (along(step) - along(-step)) / (2 * step);
      found.push(difference);
      // Rounding of the loss weighs the more, the smaller the step.
      return Math.abs(difference - slope) < 2e-6 * (1 + Math.abs(slope)) + 1e-14 / step;
    });
    if (!isTrue) problems.push(`${name}: slope ${slope}, differences ${found.join(" ")}`);

    function along(step: number): number {
      const kept = Float64Array.from(numbers as Values);
      kept.forEach((number, i) => {
        (numbers as Values)[i] = number + step * (direction[i] ?? 0);
      });
      const loss = lossOf();
      (numbers as Values).set(kept);
      return loss;
    }
  }
  return { compared: targets.length, problems };
}

/** The kernels that a value is computed from. */
function kernelsFor(plan: KernelPlan, value: ValueId): KernelPlan {
  const needed = new Set([value, ...(plan.slabsOf.get(value) ?? [])]);
  const kept = [...plan.kernels].reverse().filter(({ stages }) => {
    if (!stages.some((stage) => needed.has(stage.value) || needed.has(storageIn(plan, storageOf(stage))))) return false;
    for (const { computation } of stages) {
      for (const name of loadedNames(computation)) needed.add(storageIn(plan, namedValue(name)));
    }
    return true;
  });
  return { ...plan, kernels: kept.reverse() };
}

function unitVector(length: number, seed: number): Float64Array {
  const numbers = testNumbers(length, seed);
  const size = Math.hypot(...numbers);
  return numbers.map((x) => x / size);
}
