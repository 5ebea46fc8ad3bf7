/** Reductions over memory: sums in registers for every element of the tile, inside loops over the reduced axes. */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { addAffine, constantAffine, variableAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import type { Axis, ReduceBody } from "../ir/expression.ts";
import type { Stage } from "../ir/kernel.ts";
import { stageTile } from "../ir/tiles.ts";
import type { KernelContext } from "./kernelContext.ts";
import { combinations } from "./combinations.ts";
import type { Evaluator } from "./evaluator.ts";
import { createLoadMemo } from "./loadMemo.ts";
import { floatLiteral } from "./wgslWriter.ts";
import type { Scopes, Value } from "./wgslWriter.ts";
import { planLoops } from "./sumLoops.ts";
import type { Loop } from "./sumLoops.ts";
import { planRuns } from "./sumRuns.ts";
import type { StagedLoads } from "./stagedLoads.ts";

/** The value that the maximum of nothing has: the least finite f32. */
const lowest = -3.4e38;

interface Sum {
  readonly index: number;
  readonly body: ReduceBody;
  readonly offsets: readonly number[];
  readonly name: string;
  /** The stage's axes at the offsets. */
  readonly axes: ReadonlyMap<string, Affine>;
}

/** Emits the loops that `stages` share (same reduced axes) and tells the evaluator their results. `staged` is what the root's read. */
export function emitReductions(
  stages: readonly Stage[],
  context: KernelContext,
  evaluator: Evaluator,
  scopes: Scopes,
  staged?: StagedLoads,
): void {
  const first = stages[0]?.computation.body;
  if (first?.kind !== "reduce") throw new InternalCompilerError("emitReductions", "not a reduction");
  const { schedule } = context.kernel;
  const isRoot = stages[0] === context.kernel.stages[0];
  const sums = stages.flatMap((stage) => sumsOf(stage, context, evaluator, scopes));

  const factorOf = (axis: Axis): number => (isRoot ? (schedule.unroll[axis.name] ?? 1) : innerUnroll(axis, first.over));
  const { staged: _, ...unstaged } = schedule;
  const { outer, inner, unrolled, starts } = planLoops(
    first.over,
    factorOf,
    staged === undefined ? unstaged : schedule,
    isRoot ? context.grid.part : undefined,
    scopes,
  );
  const loops = [...outer, ...inner];
  const steps = [...combinations(unrolled.map(({ factor }) => factor))];
  // Sums over the batch are gradients, or are split in parts already.
  const inRuns = sums.every(({ body }) => body.combine === "sum") && first.over.every((axis) => axis.batch !== true);
  const runs = inRuns ? planRuns(loops, steps.length) : undefined;
  const runOf = new Map(runs === undefined ? [] : sums.map(({ name }) => [name, scopes.fresh("run")]));

  const bindings = new Map(starts);
  const variables = new Map<Loop, string>();
  const opened: { readonly header: string; readonly beginsRun: boolean }[] = [];
  const open = (header: string, beginsRun: boolean): void => {
    opened.push({ header, beginsRun });
    scopes.open();
    if (beginsRun) for (const run of runOf.values()) scopes.line(`var ${run} = 0.0;`);
  };
  for (const [position, loop] of loops.entries()) {
    if (position === outer.length) staged?.fill(bindings, outer.length > 0);
    const { axis, step, values } = loop;
    const beginsRun = runs?.loop === position;
    const chunk = beginsRun ? runs.chunk : undefined;
    const level = scopes.level() + (chunk === undefined ? 1 : 2);
    const variable = scopes.declare(loop.name, { low: 0, high: values - 1 }, level);
    variables.set(loop, variable);
    context.uniformVariables.add(variable);
    bindings.set(axis.name, addAffine(bindings.get(axis.name) ?? constantAffine(0), variableAffine(variable, step)));
    if (chunk !== undefined) {
      const start = `${variable}_run`;
      open(`for (var ${start} = 0; ${start} < ${values}; ${start} += ${chunk}) {`, true);
      open(`for (var ${variable} = ${start}; ${variable} < ${start} + ${chunk}; ${variable}++) {`, false);
    } else
      open(
        loop.header(variable, (other) => variables.get(other) ?? ""),
        beginsRun,
      );
  }
  if (inner.length === 0) staged?.fill(bindings, outer.length > 0);

  const memos = new Map(sums.map(({ index }) => [index, createLoadMemo()]));
  for (const step of steps) {
    const stepped = new Map(bindings);
    unrolled.forEach(({ axis }, i) =>
      stepped.set(axis.name, addAffine(bindings.get(axis.name) ?? constantAffine(0), constantAffine(step[i] ?? 0))),
    );
    for (const sum of sums) {
      const bindings = { get: (axis: string) => stepped.get(axis) ?? sum.axes.get(axis) };
      const memo = memos.get(sum.index) ?? createLoadMemo();
      const value = evaluator.scalar(sum.body.value, { bindings, memo, ...(staged && { staged: staged.read }) });
      accumulate(sum, runOf.get(sum.name) ?? sum.name, value, stepped, first.over, evaluator, scopes);
    }
  }
  for (const { header, beginsRun } of opened.reverse()) {
    if (beginsRun) for (const [sum, run] of runOf) scopes.line(`${sum} += ${run};`);
    scopes.close(header, "}");
  }
  for (const sum of sums) {
    const text = sum.body.combine === "argmax" ? `${sum.name}_at` : sum.name;
    evaluator.setReduced(sum.index, sum.offsets, { text, level: 0 });
  }
}

/** Declares the variable of each sum. */
function sumsOf(stage: Stage, context: KernelContext, evaluator: Evaluator, scopes: Scopes): readonly Sum[] {
  const index = context.kernel.stages.indexOf(stage);
  const { axes, body } = stage.computation;
  const layout = context.layouts[index];
  if (body.kind !== "reduce" || layout === undefined)
    throw new InternalCompilerError("emitReductions", "not a reduction");
  const tile = axes.map((axis) =>
    stageTile(axis, layout.scales.get(axis.name) ?? { numerator: 1, denominator: 1 }, context.rootTile),
  );
  return [...combinations(tile)].map((offsets) => {
    const name = scopes.fresh(body.combine === "sum" ? "sum" : "top");
    scopes.line(`var ${name} = ${body.combine === "sum" ? "0.0" : floatLiteral(lowest)};`, 0);
    if (body.combine === "argmax") scopes.line(`var ${name}_at = 0.0;`, 0);
    return { index, body, offsets, name, axes: evaluator.axesAt(index, offsets) };
  });
}

/** Adds one step's term to `into`: the sum itself, or its run. */
function accumulate(
  sum: Sum,
  into: string,
  value: Value,
  over: ReadonlyMap<string, Affine>,
  axes: readonly Axis[],
  evaluator: Evaluator,
  scopes: Scopes,
): void {
  switch (sum.body.combine) {
    case "sum":
      if (value.constant !== 0) scopes.line(`${into} += ${stripParentheses(value.text)};`);
      return;
    case "max":
      scopes.line(`${sum.name} = max(${sum.name}, ${value.text});`);
      return;
    case "argmax": {
      let position = constantAffine(0);
      for (const axis of axes) {
        position = {
          terms: position.terms.map((term) => ({ ...term, coefficient: term.coefficient * axis.extent })),
          constant: position.constant * axis.extent,
        };
        position = addAffine(position, over.get(axis.name) ?? constantAffine(0));
      }
      const at = position.terms.length === 0 ? floatLiteral(position.constant) : `f32(${evaluator.index(position)})`;
      scopes.line(`if (${value.text} > ${sum.name}) {`);
      scopes.line(`  ${sum.name} = ${value.text};`);
      scopes.line(`  ${sum.name}_at = ${at};`);
      scopes.line("}");
    }
  }
}

/** Later reductions are short (a row of logits): unrolled by four where that divides. */
function innerUnroll(axis: Axis, over: readonly Axis[]): number {
  if (axis.batch === true || axis !== over.at(-1)) return 1;
  return axis.extent % 4 === 0 ? 4 : 1;
}

function stripParentheses(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let depth = 0;
  for (let position = 0; position < text.length - 1; position++) {
    const character = text[position];
    if (character === "(") depth++;
    if (character === ")" && --depth === 0) return text;
  }
  return text.slice(1, -1);
}
