/** How often a load in a reduction really reads memory, once equal elements within a tile are shared. */
import { affineOf, rangeOf, variableAffine } from "../ir/affine.ts";
import type { Affine, Atom, Range } from "../ir/affine.ts";
import { map } from "../ir/expression.ts";
import type { Axis, ScalarExpr } from "../ir/expression.ts";
import { loadsOf } from "../ir/tiles.ts";

/** One load: each dimension's index as coefficients of axes; divisions are kept apart. */
export interface LoadPattern {
  readonly dimensions: readonly DimensionPattern[];
  /** Whether it may fall outside its tensor. */
  readonly conditional: boolean;
}
interface DimensionPattern {
  readonly coefficients: ReadonlyMap<string, number>;
  readonly divisor: number;
}

const scalarLoadCost = 12;
const vectorLoadCost = 20;
const constantLoadCost = 3;

/** The patterns of the loads in a reduction's value. */
export function loadPattern(value: ScalarExpr, axes: readonly Axis[], over: readonly Axis[]): readonly LoadPattern[] {
  const all = [...axes, ...over];
  const ranges = new Map<string, Range>(all.map((axis) => [axis.name, { low: 0, high: axis.extent - 1 }]));
  const bindings = new Map<string, Affine>(all.map((axis) => [axis.name, variableAffine(axis.name)]));
  return loadsOf(map([], value)).map((load) => {
    const index = load.index.map((position) => affineOf(position, bindings, ranges));
    const conditional = load.fill !== undefined && index.some((position) => rangeOf(position, ranges).low < 0);
    return { dimensions: index.map(dimensionPattern), conditional };
  });
}

function dimensionPattern(index: Affine): DimensionPattern {
  const coefficients = new Map<string, number>();
  let divisor = 1;
  const collect = (affine: Affine, scale: number): void => {
    for (const { atom, coefficient } of affine.terms) collectAtom(atom, coefficient * scale);
  };
  const collectAtom = (atom: Atom, scale: number): void => {
    if (atom.kind === "variable") coefficients.set(atom.name, (coefficients.get(atom.name) ?? 0) + scale);
    else {
      if (atom.kind === "div") divisor = Math.max(divisor, atom.by);
      collect(atom.of, scale);
    }
  };
  collect(index, 1);
  return { coefficients, divisor };
}

/** Cost of a load in one pass of the innermost loop, in multiply-adds. */
export function loadsPerStep(
  pattern: LoadPattern,
  tile: Readonly<Record<string, number>>,
  unroll: Readonly<Record<string, number>>,
  over: readonly Axis[],
): number {
  const steps = (name: string): number => tile[name] ?? unroll[name] ?? 1;
  let elements = 1;
  let rowsOfFour = true;
  let dynamic = false;
  for (const [position, { coefficients, divisor }] of pattern.dimensions.entries()) {
    elements *= distinctValues(coefficients, divisor, steps);
    if (position === pattern.dimensions.length - 1) {
      for (const [name, coefficient] of coefficients) {
        if ((coefficient * steps(name)) % 4 !== 0) rowsOfFour = false;
      }
    }
  }
  const depends = new Set(pattern.dimensions.flatMap(({ coefficients }) => [...coefficients.keys()]));
  for (const axis of over) if (depends.has(axis.name) && steps(axis.name) < axis.extent) dynamic = true;
  for (const name of depends) if (!over.some((axis) => axis.name === name)) dynamic ||= true;
  // Loops inside the last one that the load depends on find it in a register.
  let passes = 1;
  for (const axis of [...over].reverse()) {
    const trips = axis.extent / steps(axis.name);
    if (depends.has(axis.name) && trips > 1) break;
    passes *= trips;
  }
  const each = dynamic ? (rowsOfFour && elements % 4 === 0 ? vectorLoadCost / 4 : scalarLoadCost) : constantLoadCost;
  return (elements * each) / passes;
}

/** Elements of a load in one pass of the innermost loop. */
export function loadedElements(
  pattern: LoadPattern,
  tile: Readonly<Record<string, number>>,
  unroll: Readonly<Record<string, number>>,
): number {
  const steps = (name: string): number => tile[name] ?? unroll[name] ?? 1;
  return pattern.dimensions.reduce(
    (product, { coefficients, divisor }) => product * distinctValues(coefficients, divisor, steps),
    1,
  );
}

/** How many values sum(coefficient * t) takes for t within the tile, divided by the divisor. */
function distinctValues(
  coefficients: ReadonlyMap<string, number>,
  divisor: number,
  steps: (name: string) => number,
): number {
  const active = [...coefficients].filter(([name]) => steps(name) > 1);
  if (active.length === 0) return 1;
  const [only] = active;
  if (active.length === 1 && only !== undefined)
    return Math.ceil(steps(only[0]) / (divisor > 1 ? divisor / Math.abs(only[1]) : 1));
  let values = new Set([0]);
  for (const [name, coefficient] of active) {
    const next = new Set<number>();
    for (const value of values) for (let t = 0; t < steps(name); t++) next.add(value + coefficient * t);
    values = next;
  }
  return divisor === 1 ? values.size : new Set([...values].map((value) => Math.floor(value / divisor))).size;
}
