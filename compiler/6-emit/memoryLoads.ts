/** Loads from arrays in memory: each a `let` in the outermost scope that its index depends on, as part of a vector where that pays. */
import { addAffine, divided, variableAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import { isFloat } from "../ir/graph.ts";
import type { IndexPrinter } from "./indexPrinter.ts";
import { createQuadUse, laneShift, quadKey } from "./quadLoads.ts";
import type { QuadLoad, QuadPlan } from "./quadLoads.ts";
import { byteText } from "./scalarFunctions.ts";
import { loadedText } from "./storedNumbers.ts";
import type { StoredAs } from "./storedNumbers.ts";
import { createVectorUse } from "./vectorUse.ts";
import type { Scopes, Value } from "./wgslWriter.ts";

/** An array that a kernel reads, bound or in workgroup memory. */
export interface LoadableArray extends StoredAs {
  readonly name: string;
}

/** What an earlier run over the same kernel found out about its loads. */
export interface LoadPlan {
  /** Arrays that are taken as vectors of four. */
  readonly vectors: ReadonlySet<string>;
  /** Loads that quads share. */
  readonly quads?: QuadPlan;
}

export interface MemoryLoads {
  /** The element at a linear index, loaded no further out than `level`. */
  load(array: LoadableArray, linear: Affine, level?: number): Value;
  /** Notes a store, which must be in the same vectors as the loads. */
  noteStore(array: string, linear: Affine): void;
  /** Arrays that are best taken as vectors, from what was loaded and stored. */
  vectorizable(): ReadonlySet<string>;
  /** The loads that quads can share. */
  shareable(): QuadPlan | undefined;
}

/** `bound` are the kernel's bindings; `isUniform` tells whether a variable has one value in all invocations of a quad. */
export function createMemoryLoads(
  bound: readonly LoadableArray[],
  scopes: Scopes,
  { index, levelOf }: IndexPrinter,
  plan: LoadPlan,
  isUniform: (variable: string) => boolean,
): MemoryLoads {
  const vectorUse = createVectorUse();
  const quadUse = createQuadUse(isUniform);
  const arrays = new Map(bound.map((array) => [array.name, array]));

  function load(array: LoadableArray, linear: Affine, least = 0): Value {
    arrays.set(array.name, array);
    vectorUse.touch(array.name, linear);
    const level = Math.max(least, levelOf(linear));
    if (plan.vectors.has(array.name)) {
      const lane = ((linear.constant % 4) + 4) % 4;
      const base = divided({ ...linear, constant: linear.constant - lane }, 4);
      return { text: `${element(array, base, "vec4f", level)}.${"xyzw"[lane] ?? "x"}`, level };
    }
    if (array.dtype === "u8") {
      const at = index(linear);
      const text = byteText(array.name, scopes.define(at, "at", level, () => at)); // prettier-ignore
      return { text: scopes.define(text, "s", level, () => text), level };
    }
    return { text: element(array, linear, "f32", level), level };
  }

  /** The name of an element or a vector, from a load of this invocation's own or from one that its quad shares. */
  function element(array: LoadableArray, at: Affine, type: "f32" | "vec4f", level: number): string {
    if (isFloat(array) && level > 0) quadUse.touch(array.name, at);
    const shared = plan.quads?.get(quadKey(array.name, at));
    if (shared === undefined) {
      const text = loadedText(`${array.name}[${index(at)}]`, array, type);
      return scopes.define(text, type === "f32" ? "s" : "v", level, () => text);
    }
    const own = index(addAffine(shared.first, placeOf(shared)));
    const text = loadedText(`${array.name}[${own}]`, array, type);
    const loaded = scopes.define(text, "q", level, () => text);
    const broadcast = `quadBroadcast(${loaded}, ${shared.member}u)`;
    return scopes.define(broadcast, type === "f32" ? "s" : "v", level, () => broadcast);
  }

  /** Which load of a group an invocation makes, from the group's first. */
  function placeOf({ shifts }: QuadLoad): Affine {
    const shift = laneShift(shifts);
    if ("step" in shift) return variableAffine("quad_lane", shift.step);
    return variableAffine(scopes.define(shift.choice, "shift", 0, () => shift.choice));
  }

  return {
    load,
    noteStore: vectorUse.touch,
    vectorizable() {
      const floats = [...arrays.values()].filter(isFloat);
      return new Set(floats.map(({ name }) => name).filter(vectorUse.pays));
    },
    shareable: quadUse.plan,
  };
}
