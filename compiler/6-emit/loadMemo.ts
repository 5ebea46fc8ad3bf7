/**
 * Loads that the evaluator has met before. The elements of a tile and the steps of an unrolled loop share most of what they
 * load: `a[y0, k0]` stands in every sum of its row. Each is found by the numbers that its axes are at, so that its index is
 * folded, checked and printed once.
 */
import type { Bindings } from "../ir/affine.ts";
import { axisNames, computedParts } from "../ir/expression.ts";
import type { Load } from "../ir/expression.ts";
import type { Value } from "./wgslWriter.ts";

export interface LoadMemo {
  /** The load's value under bindings; `evaluate` makes it the first time. */
  recall(load: Load, bindings: Bindings, evaluate: () => Value): Value;
}

interface KnownLoad {
  /** The axes that its index counts along; undefined where that is not all that decides about the index. */
  readonly axes: readonly string[] | undefined;
  readonly values: Map<string, Value>;
}

/**
 * A memo for one stage in one scope: among the bindings that it is asked with, an axis differs only by its constant, and the
 * scope is not closed in between.
 */
export function createLoadMemo(): LoadMemo {
  const known = new Map<Load, KnownLoad>();
  return {
    recall(load, bindings, evaluate) {
      let own = known.get(load);
      if (own === undefined) {
        own = { axes: decidingAxes(load), values: new Map() };
        known.set(load, own);
      }
      if (own.axes === undefined) return evaluate();
      let key = "";
      for (const axis of own.axes) key += `${bindings.get(axis)?.constant} `;
      let value = own.values.get(key);
      if (value === undefined) {
        value = evaluate();
        own.values.set(key, value);
      }
      return value;
    },
  };
}

function decidingAxes({ index }: Load): readonly string[] | undefined {
  const axes = new Set<string>();
  for (const position of index) {
    if (computedParts(position).length > 0) return undefined;
    for (const name of axisNames(position)) axes.add(name);
  }
  return [...axes];
}
