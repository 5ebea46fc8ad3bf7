/** The rates and momenta of every trace, step by step, as PyTorch's schedulers give them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { checkSource } from "../../../compiler/check.ts";
import type { Recipe } from "../../../compiler/ir/recipe.ts";
import { optimizers, schedules } from "../../../compiler/recipe/index.ts";
import { momentumOf, rateOf } from "../../../compiler/training/rateOf.ts";
import { readTrace, type Trace } from "../../../compiler/verify/verifyTrace.ts";

const folder = join(import.meta.dirname, "../../traces");
const traces = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => readTrace(join(folder, name)));

function recipeOf({ name, spec }: Trace): Recipe {
  const { checked, diagnostics } = checkSource({ path: `${name}.cnn`, text: spec }, {});
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return checked!.recipe!;
}

describe("the rate of every step", () => {
  test.each(traces.map((trace) => [trace.name, trace] as const))("%s", (_, trace) => {
    const recipe = recipeOf(trace);
    const { rates, momenta, validationLosses, validationAccuracies = [] } = trace.expect;
    const stepsPerEpoch = trace.steps.length;
    expect(rates).toHaveLength(20);
    for (const [step, rate] of rates.entries()) {
      const epoch = Math.floor(step / stepsPerEpoch);
      const [testLosses, testAccuracies] = [validationLosses.slice(0, epoch), validationAccuracies.slice(0, epoch)];
      const at = { step, stepsPerEpoch, testLosses, testAccuracies };
      expect(rateOf(recipe, trace.epochs)(at)).toBeCloseTo(rate, 10);
      const momentum = momentumOf(recipe, trace.epochs)(at);
      if (momentum !== undefined) expect(momentum).toBeCloseTo(momenta[step]!, 10);
    }
  });
});

test("every optimizer has a trace, and every schedule one with warm-up and one without", () => {
  const recipes = traces.map(recipeOf);
  expect(new Set(recipes.map(({ optimizer }) => optimizer.name))).toEqual(new Set(optimizers.keys()));
  for (const warm of [false, true]) {
    const used = recipes.filter(({ schedule }) => Number(schedule.args["warmup"]) > 0 === warm);
    expect(new Set(used.map(({ schedule }) => schedule.name))).toEqual(new Set(schedules.keys()));
  }
  const moves = (name: string): boolean => new Set(traces.find((trace) => trace.name === name)!.expect.rates).size > 1;
  for (const name of schedules.keys()) expect([name, moves(`schedule_${name}_warmup`)]).toEqual([name, true]);
});
