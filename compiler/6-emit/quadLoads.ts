/**
 * Loads that the four invocations of a quad share. Where an index does not depend on what tells them apart, each would load the
 * same: of four such loads each invocation makes one, and broadcasts give all four to all.
 *
 *   q0 = x[i + 16 * quad_lane];  s0 = quadBroadcast(q0, 0u);  s1 = quadBroadcast(q0, 1u);  …
 *
 * Loads that are not equally far apart take their places from a number that each invocation chooses before the loops.
 */
import { affineKey, variablesOf } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";

/** One of up to four loads: the first one's index, how far from it each lies, and which of them this one is. */
export interface QuadLoad {
  readonly first: Affine;
  readonly shifts: readonly number[];
  readonly member: number;
}

export interface QuadUse {
  /** Notes a load inside loops. */
  touch(array: string, index: Affine): void;
  /** Who loads what of all loads noted; undefined where nothing is shared. */
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
        for (const group of groupsOf(at)) {
          const start = group[0] ?? 0;
          const first = { terms, constant: start };
          const shifts = group.map((each) => each - start);
          for (const [member, constant] of group.entries())
            plan.set(quadKey(array, { terms, constant }), { first, shifts, member });
        }
      }
      return plan.size === 0 ? undefined : plan;
    },
  };
}

/** How far from the first of a group's loads the one of `quad_lane` lies: an index where they are equally far apart, a choice otherwise. */
export function laneShift(shifts: readonly number[]): { readonly step: number } | { readonly choice: string } {
  const step = shifts[1] ?? 0;
  if (shifts.length === 4 && shifts.every((shift, lane) => shift === lane * step)) return { step };
  const choice = shifts.reduce(
    (text, shift, lane) => (lane === 0 ? text : `select(${text}, ${shift}, quad_lane == ${lane})`),
    "0",
  );
  return { choice };
}

/** Numbers in groups of four, the last one of two or three or left out: neighbours first, then what is equally far apart. */
function groupsOf(numbers: ReadonlySet<number>): readonly (readonly number[])[] {
  const left = new Set([...numbers].sort((a, b) => a - b));
  const groups: (readonly number[])[] = [];
  const take = (group: readonly number[]): boolean => {
    if (!group.every((each) => left.has(each))) return false;
    for (const each of group) left.delete(each);
    groups.push(group);
    return true;
  };
  const four = (start: number, step: number): readonly number[] => [start, start + step, start + 2 * step, start + 3 * step]; // prettier-ignore
  for (const start of left) take(four(start, 1));
  for (const start of left) {
    for (const second of left) if (second > start && take(four(start, second - start))) break;
  }
  const rest = [...left];
  while (rest.length > 1) groups.push(rest.splice(0, 4));
  return groups;
}
