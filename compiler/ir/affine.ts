/**
 * affine.ts: index expressions as sums of variables with whole coefficients, so that what is known at compile time folds:
 * `(2*y0 + 1) div 2` is `y0`, and `4*x0 + 3` lies in [3, 27] when x0 lies in [0, 6]. What does not fold stays as an opaque
 * `div` or `mod` term.
 */
import type { IndexExpr } from "./expression.ts";
import { printIndex } from "./kernel.ts";

export type Atom =
  /** With `range`, a place that only the running kernel knows: its name is its formula. */
  | { readonly kind: "variable"; readonly name: string; readonly range?: Range }
  | { readonly kind: "div" | "mod"; readonly of: Affine; readonly by: number; readonly key: string };

export interface Term {
  readonly atom: Atom;
  /** Never 0. */
  readonly coefficient: number;
}

export interface Affine {
  /** Sorted by `atomKey`, each atom once. */
  readonly terms: readonly Term[];
  readonly constant: number;
}

/** Both ends inclusive. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export type Ranges = ReadonlyMap<string, Range>;

const noTerms: readonly Term[] = [];

export function constantAffine(constant: number): Affine {
  return { terms: noTerms, constant };
}

export function variableAffine(name: string, coefficient = 1, constant = 0): Affine {
  return { terms: coefficient === 0 ? [] : [{ atom: { kind: "variable", name }, coefficient }], constant };
}

export function atomKey(atom: Atom): string {
  return atom.kind === "variable" ? atom.name : atom.key;
}

/** A quotient or a remainder with its key, which sums compare often. */
function divisionAtom(kind: "div" | "mod", of: Affine, by: number): Atom {
  return { kind, of, by, key: `(${affineKey(of)} ${kind} ${by})` };
}

/** Equal keys mean equal values. */
export function affineKey({ terms, constant }: Affine): string {
  let key = "";
  for (const term of terms) key += `${term.coefficient}*${atomKey(term.atom)}+`;
  return key + String(constant);
}

export function addAffine(left: Affine, right: Affine): Affine {
  const constant = left.constant + right.constant;
  if (right.terms.length === 0) return right.constant === 0 ? left : { terms: left.terms, constant };
  if (left.terms.length === 0) return left.constant === 0 ? right : { terms: right.terms, constant };
  // Both are sorted: merge them. No values in pairs here: code that is not yet optimized takes them apart by an iterator.
  const terms: Term[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const a = left.terms[i];
    const b = right.terms[j];
    if (a === undefined || b === undefined) {
      for (; i < left.terms.length; i++) terms.push(left.terms[i] as Term);
      for (; j < right.terms.length; j++) terms.push(right.terms[j] as Term);
      return { terms, constant };
    }
    const keyA = atomKey(a.atom);
    const keyB = atomKey(b.atom);
    if (keyA === keyB) {
      const coefficient = a.coefficient + b.coefficient;
      if (coefficient !== 0) terms.push({ atom: a.atom, coefficient });
      i++;
      j++;
    } else if (keyA < keyB) {
      terms.push(a);
      i++;
    } else {
      terms.push(b);
      j++;
    }
  }
}

export function scaleAffine(affine: Affine, by: number): Affine {
  if (by === 0) return constantAffine(0);
  if (by === 1) return affine;
  const terms = affine.terms.map((term) => ({ atom: term.atom, coefficient: term.coefficient * by }));
  return { terms, constant: affine.constant * by };
}

/** What the value can be, from the ranges of its variables; a variable without a range throws. */
export function rangeOf(affine: Affine, ranges: Ranges): Range {
  let low = affine.constant;
  let high = affine.constant;
  for (const { atom, coefficient } of affine.terms) {
    const range = rangeOfAtom(atom, ranges);
    low += coefficient * (coefficient > 0 ? range.low : range.high);
    high += coefficient * (coefficient > 0 ? range.high : range.low);
  }
  return { low, high };
}

function rangeOfAtom(atom: Atom, ranges: Ranges): Range {
  if (atom.kind === "variable") {
    const range = atom.range ?? ranges.get(atom.name);
    if (range === undefined) throw new RangeError(`the variable ${atom.name} has no range`);
    return range;
  }
  const { low, high } = rangeOf(atom.of, ranges);
  const lowQuotient = Math.floor(low / atom.by);
  const highQuotient = Math.floor(high / atom.by);
  if (atom.kind === "div") return { low: lowQuotient, high: highQuotient };
  if (lowQuotient === highQuotient) return { low: low - lowQuotient * atom.by, high: high - lowQuotient * atom.by };
  return { low: 0, high: atom.by - 1 };
}

/** Splits e into multiple + rest, where every coefficient of `multiple` divides by `by` and rest's constant is in [0, by). */
function splitMultiple(affine: Affine, by: number): { readonly multiple: Affine; readonly rest: Affine } {
  const divides = (term: Term): boolean => term.coefficient % by === 0;
  const whole = Math.floor(affine.constant / by) * by;
  return {
    multiple: { terms: affine.terms.filter(divides), constant: whole },
    rest: { terms: affine.terms.filter((term) => !divides(term)), constant: affine.constant - whole },
  };
}

/** floor(affine / by), folded as far as the ranges allow. */
export function divAffine(affine: Affine, by: number, ranges: Ranges): Affine {
  if (by === 1) return affine;
  const { multiple, rest } = splitMultiple(affine, by);
  const quotient: Affine = {
    terms: multiple.terms.map((term) => ({ atom: term.atom, coefficient: term.coefficient / by })),
    constant: multiple.constant / by,
  };
  if (rest.terms.length === 0) return quotient;
  const { low, high } = rangeOf(rest, ranges);
  const floorLow = Math.floor(low / by);
  if (floorLow === Math.floor(high / by)) return addAffine(quotient, constantAffine(floorLow));
  const shared = sharedDivisor(rest, by);
  if (shared > 1) return addAffine(quotient, divAffine(divided(rest, shared), by / shared, ranges));
  const opaque: Affine = { terms: [{ atom: divisionAtom("div", rest, by), coefficient: 1 }], constant: 0 };
  return addAffine(quotient, opaque);
}

/** affine - by * floor(affine / by), folded as far as the ranges allow. */
export function modAffine(affine: Affine, by: number, ranges: Ranges): Affine {
  if (by === 1) return constantAffine(0);
  const { rest } = splitMultiple(affine, by);
  if (rest.terms.length === 0) return constantAffine(rest.constant);
  const { low, high } = rangeOf(rest, ranges);
  const floorLow = Math.floor(low / by);
  if (floorLow === Math.floor(high / by)) return addAffine(rest, constantAffine(-floorLow * by));
  const shared = sharedDivisor(rest, by);
  if (shared > 1) {
    const inner = modAffine(divided(rest, shared), by / shared, ranges);
    return addAffine(scaleAffine(inner, shared), constantAffine(rest.constant % shared));
  }
  return { terms: [{ atom: divisionAtom("mod", rest, by), coefficient: 1 }], constant: 0 };
}

/** What divides all coefficients and `by`: (4 t + 3) div 28 is t div 7. */
function sharedDivisor({ terms }: Affine, by: number): number {
  return terms.reduce((divisor, { coefficient }) => greatestCommonDivisor(divisor, Math.abs(coefficient)), by);
}

/** floor(affine / by), where `by` divides all coefficients. */
export function divided({ terms, constant }: Affine, by: number): Affine {
  return {
    terms: terms.map(({ atom, coefficient }) => ({ atom, coefficient: coefficient / by })),
    constant: Math.floor(constant / by),
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export type ComputedIndex = Extract<IndexExpr, { kind: "computed" }>;

/** A computed place as a variable of its own. */
function opaquePlace(expr: ComputedIndex): Affine {
  const atom = { kind: "variable", name: printIndex(expr), range: { low: expr.low, high: expr.high } } as const;
  return { terms: [{ atom, coefficient: 1 }], constant: 0 };
}

/** What each axis is bound to: a map, or several looked through in turn. */
export interface Bindings {
  get(axis: string): Affine | undefined;
}

/** An index expression as an affine one, with each axis replaced by what it is bound to. */
export function affineOf(
  expr: IndexExpr,
  bindings: Bindings,
  ranges: Ranges,
  place: (expr: ComputedIndex) => Affine = opaquePlace,
): Affine {
  switch (expr.kind) {
    case "int":
      return constantAffine(expr.value);
    case "axis": {
      const bound = bindings.get(expr.name);
      if (bound === undefined) throw new RangeError(`the axis ${expr.name} is not bound`);
      return bound;
    }
    case "add":
      return addAffine(affineOf(expr.left, bindings, ranges, place), affineOf(expr.right, bindings, ranges, place));
    case "mul":
      return scaleAffine(affineOf(expr.of, bindings, ranges, place), expr.by);
    case "div":
      return divAffine(affineOf(expr.of, bindings, ranges, place), expr.by, ranges);
    case "mod":
      return modAffine(affineOf(expr.of, bindings, ranges, place), expr.by, ranges);
    case "computed":
      return place(expr);
  }
}

/** Names of the variables that an affine index depends on. */
export function variablesOf(affine: Affine): ReadonlySet<string> {
  const names = new Set<string>();
  const walk = (inner: Affine): void => {
    for (const { atom } of inner.terms) {
      if (atom.kind === "variable") names.add(atom.name);
      else walk(atom.of);
    }
  };
  walk(affine);
  return names;
}

/** Where an element of a batch of images lies that is stored in blocks of four channels: [batch, channels / 4, height, width, 4]. */
export function packedAffine(index: readonly Affine[], extents: readonly number[], ranges: Ranges): Affine {
  const [n, channel, y, x] = index as [Affine, Affine, Affine, Affine];
  const [batch = 1, channels = 4, height = 1, width = 1] = extents;
  const blocks = [n, divAffine(channel, 4, ranges), y, x];
  const block = linearAffine(blocks, [batch, channels / 4, height, width]);
  return addAffine(scaleAffine(block, 4), modAffine(channel, 4, ranges));
}

/** The row-major linear index of a multi-dimensional one. */
export function linearAffine(index: readonly Affine[], extents: readonly number[]): Affine {
  let linear = constantAffine(0);
  for (const [dimension, position] of index.entries()) {
    linear = addAffine(scaleAffine(linear, extents[dimension] ?? 1), position);
  }
  return linear;
}
