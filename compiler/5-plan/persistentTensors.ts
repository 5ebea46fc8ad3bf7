/** What outlives a step, parameters and running statistics: how it is cut, and where it lies, the same in every program. */
import { elementCount, typeOf } from "../ir/graph.ts";
import type { Graph, TensorType, ValueId } from "../ir/graph.ts";
import { partStride } from "../ir/kernel.ts";
import type { Place, Slot } from "../ir/memory.ts";
import type { TensorProgram } from "../ir/program.ts";
import { layoutFlat, placesByValue } from "./layoutParameters.ts";

export interface PersistentTensors {
  readonly slots: readonly (Slot & { readonly role: "parameters" | "states" })[];
  /** Of every parameter: the types of its slabs, or its own. */
  readonly slabs: readonly (readonly TensorType[])[];
  /** Of every parameter, or of each of its slabs. */
  readonly parameterPlaces: readonly Place[];
  readonly statePlaces: readonly Place[];
  /** The places by the values that a program knows them by. */
  placesIn(program: TensorProgram): ReadonlyMap<ValueId, Place>;
}

/**
 * Lays out what persists. `program` is one of the graph's programs, which says how large tensors are cut; `gradientParts` in how many
 * parts the gradient of every parameter (or slab) is summed, since gradients lie in banks as their parameters do.
 */
export function persistentTensors(
  graph: Graph,
  program: TensorProgram,
  gradientParts: readonly number[] | undefined,
  bindingBytes: number,
): PersistentTensors {
  // A tensor too large for a binding is stored as its slabs, each like a tensor of its own.
  const slabs = graph.parameters.map(
    ({ value, type }) => program.slabsOf.get(value)?.map((slab) => typeOf(program.types, slab)) ?? [type],
  );
  const storedTypes = slabs.flat();
  const gradientBytes = gradientParts?.map((parts, index) =>
    storedTypes[index] === undefined ? 0 : partStride(elementCount(storedTypes[index])) * 4 * parts,
  );
  const parameters = layoutFlat("parameters", storedTypes, bindingBytes, gradientBytes);
  const states = layoutFlat(
    "states",
    graph.states.map((state) => state.type),
    bindingBytes,
  );
  return {
    slots: [
      ...parameters.slots.map((slot) => ({ ...slot, role: "parameters" as const })),
      ...states.slots.map((slot) => ({ ...slot, role: "states" as const })),
    ],
    slabs,
    parameterPlaces: parameters.places,
    statePlaces: states.places.map((place) => ({ ...place, slot: place.slot + parameters.slots.length })),
    placesIn(placed) {
      const values = graph.parameters.flatMap(({ value }) => placed.slabsOf.get(value) ?? [value]);
      const stateValues = graph.states.map(({ value }) => value);
      return new Map([
        ...placesByValue(values, parameters, 0),
        ...placesByValue(stateValues, states, parameters.slots.length),
      ]);
    },
  };
}
