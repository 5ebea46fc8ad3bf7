/** Arguments and formulas that optimizers share. */
import type { ScalarExpr } from "../ir/expression.ts";
import { add, mul, uniform } from "../ir/expression.ts";
import type { LayerArgument } from "../ir/argument.ts";
import type { RecipeArgs } from "./defineRecipePart.ts";
import { here, numberArg } from "./defineRecipePart.ts";

export function learningRate(standard?: number): LayerArgument {
  const rate = { name: "lr", type: "real", min: 0, minExclusive: true, doc: "learning rate" } as const;
  return standard === undefined ? rate : { ...rate, default: standard };
}

export function weightDecay(
  standard = 0,
  doc = "L2 penalty: this share of every parameter joins its gradient",
): LayerArgument {
  return { name: "weight_decay", type: "real", min: 0, default: standard, doc };
}

export const momentumArgument: LayerArgument = {
  name: "momentum",
  type: "real",
  min: 0,
  max: 1,
  maxExclusive: true,
  default: 0,
  doc: "share of the last step that is kept",
};

export const epsArgument: LayerArgument = {
  name: "eps",
  type: "real",
  min: 0,
  minExclusive: true,
  default: 1e-8,
  doc: "added to the denominator",
};

/** The uniforms among some arguments: the learning rate, and of the others those that are not 0. */
export function uniformsOf(
  args: RecipeArgs,
  names: readonly string[],
): readonly { readonly name: string; readonly value: number }[] {
  const all = names.map((name) => ({ name, value: numberArg(args, name, 0) }));
  return all.filter(({ name, value }) => name === "lr" || value !== 0);
}

/** The gradient with the L2 penalty's part. */
export function penalizedGradient(args: RecipeArgs): ScalarExpr {
  if (numberArg(args, "weight_decay", 0) === 0) return here("gradient");
  return add(here("gradient"), mul(uniform("weight_decay"), here("parameter")));
}
