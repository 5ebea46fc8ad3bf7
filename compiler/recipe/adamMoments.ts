/**
 * The moments that Adam and AdamW share, with t = step + 1:
 *
 *   m = b1 * m + (1 - b1) * g,  v = b2 * v + (1 - b2) * g^2
 *   direction = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)
 *   amsgrad (Reddi et al. 2018): the greatest v so far in place of v in the direction
 */
import type { ScalarExpr, ScalarLike } from "../ir/expression.ts";
import { add, compare, div, exp, log, max, mul, neg, select, sqrt, sub, uniform } from "../ir/expression.ts";
import type { LayerArgument } from "../ir/argument.ts";
import type { RecipeArgs } from "./defineRecipePart.ts";
import { here, numberArg } from "./defineRecipePart.ts";

export const betasArgument: LayerArgument = {
  name: "betas",
  type: "reals",
  length: 2,
  min: 0,
  max: 1,
  maxExclusive: true,
  default: [0.9, 0.999],
  doc: "decay of the running mean and of the running square",
};

export const amsgradArgument: LayerArgument = {
  name: "amsgrad",
  type: "boolean",
  default: false,
  doc: "divide by the greatest running square so far",
};

/**
 * The first beta as a uniform, since a schedule may move it. The second is a constant: it is nearly 1, and in float32 what is left
 * of 1 - 0.999 is off by five digits of eight.
 */
export function betaUniforms(args: RecipeArgs): readonly { readonly name: string; readonly value: number }[] {
  return [{ name: "beta1", value: betasOf(args)[0] }];
}

const isAmsgrad = (args: RecipeArgs): boolean => args["amsgrad"] === true;

export function momentStates(args: RecipeArgs): readonly string[] {
  return ["mean", "square", ...(isAmsgrad(args) ? ["greatest_square"] : [])];
}

/** The new states, and what the learning rate is multiplied with. */
export interface Moments {
  readonly states: Readonly<Record<string, ScalarExpr>>;
  readonly direction: ScalarExpr;
}

export function momentsOf(gradient: ScalarExpr, args: RecipeArgs): Moments {
  const [first, second] = [uniform("beta1"), betasOf(args)[1]];
  const mean = add(mul(here("mean"), first), mul(gradient, sub(1, first)));
  const square = add(mul(here("square"), second), mul(mul(gradient, gradient), 1 - second));
  const greatest = max(here("greatest_square"), square);
  const divisor = isAmsgrad(args) ? greatest : square;
  const denominator = add(
    sqrt(div(divisor, oneMinusPower(Math.log(Math.max(second, leastBeta))))),
    numberArg(args, "eps"),
  );
  return {
    states: { mean, square, ...(isAmsgrad(args) && { greatest_square: greatest }) },
    direction: div(div(mean, oneMinusPower(log(max(first, leastBeta)))), denominator),
  };
}

function betasOf(args: RecipeArgs): readonly [number, number] {
  const betas = args["betas"];
  if (!Array.isArray(betas)) throw new TypeError("argument betas is not a pair");
  return betas as unknown as readonly [number, number];
}

/** A beta of 0 keeps nothing of the past; its logarithm must be finite all the same. */
const leastBeta = 1e-30;

/**
 * 1 - beta^t, from the logarithm of beta. In float32 the plain formula loses three digits in the first steps, where beta^t is almost 1; there its
 * series in z = t * ln(beta) takes its place: -z * (1 + z/2 * (1 + z/3 * (…))).
 */
function oneMinusPower(logarithm: ScalarLike): ScalarExpr {
  const z = mul(add(uniform("step"), 1), logarithm);
  const series = [7, 6, 5, 4, 3, 2].reduce<ScalarExpr>((inner, k) => add(mul(mul(z, 1 / k), inner), 1), {
    kind: "number",
    value: 1,
  });
  return select(compare("gt", z, -0.5), neg(mul(z, series)), sub(1, exp(z)));
}
