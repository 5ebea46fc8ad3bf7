/**
 * In: the kernels of a training step and where their values live. Out: the bytes of forward values that it holds for its
 * backward pass, at the moment when they are most.
 *
 * A **forward value** is one that does not depend on the labels (or on a cotangent given instead of them); the images are
 * one. The **backward pass** begins with the first kernel that computes from labels and the main head's output. At each kernel
 * from there on the forward values alive, those that are computed again among them, take some bytes of the step's slots; bytes
 * that two values share count once. Parameters and what is made of them alone, gradients, optimizer state and running statistics are
 * no activations.
 */
import { targetsOf } from "../ir/graph.ts";
import type { ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue, storageIn } from "../ir/kernel.ts";
import { slabPlaces } from "../ir/memory.ts";
import type { Place } from "../ir/memory.ts";
import type { ProgramPlan } from "../ir/output.ts";

/** Bytes of forward values that a training program holds for its backward pass; 0 where it is none. */
export function heldForBackward({ graph, kernels: plan, memory }: ProgramPlan): number {
  const output = graph.heads[0]?.value;
  const targets = targetsOf(graph)?.value;
  if (output === undefined || targets === undefined) return 0;
  const storageOf = (value: ValueId): ValueId => storageIn(plan, value);
  const seeds = (value: ValueId): readonly ValueId[] => plan.slabsOf.get(storageOf(value)) ?? [storageOf(value)];
  const fromTargets = new Set(seeds(targets));
  const fromOutput = new Set(seeds(output));
  const fromInputs = new Set(graph.inputs.flatMap((input) => seeds(input.value)));
  let start = plan.kernels.length;
  plan.kernels.forEach(({ stages }, index) => {
    for (const { value, computation, slice } of stages) {
      const loaded = [...loadedNames(computation)].map((name) => storageOf(namedValue(name)));
      for (const reached of [fromTargets, fromOutput, fromInputs]) {
        if (!loaded.some((input) => reached.has(input))) continue;
        reached.add(storageOf(value));
        // Whoever reads what the value lies in reads the value.
        if (slice !== undefined) reached.add(storageOf(slice.of));
      }
      if (fromTargets.has(storageOf(value)) && fromOutput.has(storageOf(value))) start = Math.min(start, index);
    }
  });
  const held = [...memory.lifetimeOf].flatMap(([value, lifetime]) => {
    if (!fromInputs.has(storageOf(value)) || fromTargets.has(storageOf(value))) return [];
    return slabPlaces(memory, value).map((place) => ({ lifetime, place }));
  });
  let most = 0;
  for (let index = start; index < plan.kernels.length; index++) {
    const alive = held.filter(({ lifetime }) => lifetime.first <= index && index <= lifetime.last);
    most = Math.max(most, bytesOf(alive.map(({ place }) => place)));
  }
  return most;
}

/** Bytes that places take together. */
function bytesOf(places: readonly Place[]): number {
  const sorted = [...places].sort((a, b) => a.slot - b.slot || a.offsetBytes - b.offsetBytes);
  let [bytes, slot, end] = [0, -1, 0];
  for (const place of sorted) {
    if (place.slot !== slot) [slot, end] = [place.slot, 0];
    const until = place.offsetBytes + place.sizeBytes;
    bytes += Math.max(0, until - Math.max(end, place.offsetBytes));
    end = Math.max(end, until);
  }
  return bytes;
}
