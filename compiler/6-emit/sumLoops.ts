/**
 * The loops of a sum. A plain one has a loop an axis. A staged one has loops over chunks outside, between whose opening and the
 * loops inside a chunk workgroup memory is filled; their bounds are the same for all invocations of a workgroup.
 */
import { constantAffine, variableAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { Axis } from "../ir/expression.ts";
import type { Schedule } from "../ir/kernel.ts";
import { chunkOf, elementsToSum } from "../ir/staging.ts";
import type { SumLoop } from "./sumRuns.ts";
import type { Scopes } from "./wgslWriter.ts";

/** A loop over a reduced axis, or over its chunks. */
export interface Loop extends SumLoop {
  readonly axis: Axis;
  readonly name: string;
  /** Elements of the axis from one trip to the next. */
  readonly step: number;
  /** The values of its variable. */
  readonly values: number;
  /** Its first line; `variableOf` names the variables of loops around it. */
  readonly header: (variable: string, variableOf: (loop: Loop) => string) => string;
}

export interface SumLoops {
  readonly outer: readonly Loop[];
  readonly inner: readonly Loop[];
  /** Steps of each axis that the innermost body takes at once, where there are several. */
  readonly unrolled: readonly { readonly axis: Axis; readonly factor: number }[];
  /** Of each axis: where an invocation's loops begin to count. */
  readonly starts: ReadonlyMap<string, Affine>;
}

/** The loops over `over`, of whose elements `factorOf` are taken at once. `part` says which part of a split axis is summed. */
export function planLoops(
  over: readonly Axis[],
  factorOf: (axis: Axis) => number,
  schedule: Schedule,
  part: string | undefined,
  scopes: Scopes,
): SumLoops {
  const [outer, inner]: [Loop[], Loop[]] = [[], []];
  const unrolled: { axis: Axis; factor: number }[] = [];
  const starts = new Map<string, Affine>(over.map(({ name }) => [name, constantAffine(0)]));
  for (const axis of over) {
    const factor = factorOf(axis);
    const split = part !== undefined && schedule.split?.axis === axis.name ? schedule.split : undefined;
    if (axis.extent % factor !== 0)
      throw new InternalCompilerError("planLoops", `${axis.extent} is no multiple of ${factor}`);
    if (factor > 1) unrolled.push({ axis, factor });
    const isDynamic = axis.batch === true || split !== undefined;
    if (factor === axis.extent && !isDynamic) continue;
    const trips = axis.extent / factor;
    if (schedule.staged === undefined) inner.push(plainLoop(axis, factor, trips, split?.parts, part, scopes));
    else {
      const all = elementsToSum(axis, schedule);
      if (split !== undefined && part !== undefined) starts.set(axis.name, variableAffine(part, all));
      const [chunks, within] = stagedLoops(
        axis,
        factor,
        all,
        chunkOf(axis, schedule),
        isDynamic,
        split && part,
        scopes,
      );
      outer.push(...chunks);
      inner.push(...within);
    }
  }
  return { outer, inner, unrolled, starts };
}

/** A loop over an axis: all of it, the samples that this step's batch holds, or this invocation's part of them. */
function plainLoop(
  axis: Axis,
  factor: number,
  trips: number,
  parts: number | undefined,
  part: string | undefined,
  scopes: Scopes,
): Loop {
  const end = endOf(axis, trips);
  const chunk = Math.ceil(trips / (parts ?? 1));
  return {
    axis,
    name: variableName(axis),
    step: factor,
    values: trips,
    trips: chunk,
    divisible: axis.batch !== true && parts === undefined,
    header(variable) {
      if (parts === undefined || part === undefined)
        return `for (var ${variable} = 0; ${variable} < ${end}; ${variable}++) {`;
      const name = `${variable}_end`;
      scopes.line(`let ${name} = min((part + 1) * ${chunk}, ${end});`);
      return `for (var ${variable} = part * ${chunk}; ${variable} < ${name}; ${variable}++) {`;
    },
  };
}

/** A loop over the chunks of `all` elements, and one within a chunk, as far as there is more than one of either. */
function stagedLoops(
  axis: Axis,
  factor: number,
  all: number,
  chunk: number,
  isDynamic: boolean,
  part: string | undefined,
  scopes: Scopes,
): readonly [readonly Loop[], readonly Loop[]] {
  const [trips, tripsOfChunk] = [all / factor, chunk / factor];
  const chunks = Math.ceil(trips / tripsOfChunk);
  const name = variableName(axis);
  // What is left of the axis is known before, or computed once before the loops.
  let left = String(trips);
  if (isDynamic) {
    left = `${name}_left`;
    const end = endOf(axis, axis.extent / factor);
    const text = part === undefined ? end : `min((${part} + 1) * ${trips}, ${end}) - ${part} * ${trips}`;
    scopes.line(`let ${left} = ${text};`, 0);
  }
  const outer: Loop = {
    axis,
    name: `${name}_chunk`,
    step: chunk,
    values: chunks,
    trips: chunks,
    divisible: !isDynamic,
    header: (variable) =>
      isDynamic
        ? `for (var ${variable} = 0; ${product(variable, tripsOfChunk)} < ${left}; ${variable}++) {`
        : `for (var ${variable} = 0; ${variable} < ${chunks}; ${variable}++) {`,
  };
  const isWhole = !isDynamic && trips % tripsOfChunk === 0;
  const inner: Loop = {
    axis,
    name,
    step: factor,
    values: tripsOfChunk,
    trips: tripsOfChunk,
    divisible: false,
    header(variable, variableOf) {
      if (isWhole) return `for (var ${variable} = 0; ${variable} < ${tripsOfChunk}; ${variable}++) {`;
      if (chunks === 1) return `for (var ${variable} = 0; ${variable} < ${left}; ${variable}++) {`;
      const limit = `${variable}_limit`;
      scopes.line(`let ${limit} = min(${tripsOfChunk}, ${left} - ${product(variableOf(outer), tripsOfChunk)});`);
      return `for (var ${variable} = 0; ${variable} < ${limit}; ${variable}++) {`;
    },
  };
  return [chunks > 1 ? [outer] : [], tripsOfChunk > 1 || (chunks === 1 && isDynamic) ? [inner] : []];
}

function product(variable: string, by: number): string {
  return by === 1 ? variable : `${variable} * ${by}`;
}

/** Where a loop over an axis ends. */
function endOf(axis: Axis, trips: number): string {
  return axis.batch === true ? `min(i32(step.count), ${axis.extent})` : String(trips);
}

function variableName(axis: Axis): string {
  return axis.name.replace(/_+$/, "");
}
