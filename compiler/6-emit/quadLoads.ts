/**
 * Loads that the four invocations of a quad share. Where an index does not depend on what tells them apart, each would load the
 * same: of four such loads a step apart, each invocation makes one, and broadcasts give all four to all.
 *
 *   q0 = x[i + 16 * quad_lane];  s0 = quadBroadcast(q0, 0u);  s1 = quadBroadcast(q0, 1u);  …
 */
import { affineKey, variablesOf } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";

/** One of four loads: their first index, how far apart they are, and which of them this one is. */
export interface QuadLoad {
  readonly first: Affine;
  readonly step: number;
  readonly member: number;
}

export interface QuadUse {
  /** Notes a load inside loops. */
  touch(array: string, index: Affine): void;
  /** The fours among all loads noted; undefined where there is none. */
  plan(): QuadPlan | undefined;
}

/** What the quads of a kernel share. */
export type QuadPlan = ReadonlyMap<string, QuadLoad>;

/** The name under which a plan knows a load. */
export function quadKey(array: string, index: Affine): string {
  return `${array} ${affineKey(index)}`;
}

export function createQuadUse(isUniform: (variable: string) => boolean): QuadUse {
  /** By array and terms: the constants of the indices. */
  const seen = new Map<string, { readonly array: string; readonly terms: Affine["terms"]; readonly at: Set<number> }>();
  return {
    touch(array, index) {
      // A constant index is cheap as it is.
      if (index.terms.length === 0) return;
      const key = quadKey(array, { ...index, constant: 0 });
      const known = seen.get(key);
      if (known !== undefined) known.at.add(index.constant);
      else if ([...variablesOf(index)].every(isUniform))
        seen.set(key, { array, terms: index.terms, at: new Set([index.constant]) });
    },
    plan() {
      const plan = new Map<string, QuadLoad>();
      for (const { array, terms, at } of seen.values()) {
        for (const { start, step } of foursOf(at)) {
          const first = { terms, constant: start };
          for (let member = 0; member < 4; member++)
            plan.set(quadKey(array, { terms, constant: start + member * step }), { first, step, member });
        }
      }
      return plan.size === 0 ? undefined : plan;
    },
  };
}

/** Fours of numbers that are equally far apart, each number in one of them at most; some may be left over. */
function foursOf(numbers: ReadonlySet<number>): readonly { readonly start: number; readonly step: number }[] {
  const left = new Set([...numbers].sort((a, b) => a - b));
  const fours: { readonly start: number; readonly step: number }[] = [];
  for (const start of left) {
    for (const second of left) {
      const step = second - start;
      const others = [second, start + 2 * step, start + 3 * step];
      if (step <= 0 || !others.every((other) => left.has(other))) continue;
      for (const member of [start, ...others]) left.delete(member);
      fours.push({ start, step });
      break;
    }
  }
  return fours;
}
