/** One definition for every elementwise activation: its layer, its op and the op of its gradient. */
import { load, map } from "../ir/expression.ts";
import type { ScalarExpr } from "../ir/expression.ts";
import type { Attrs } from "../ir/graph.ts";
import type { LayerArgument, LayerDefinition, OpDefinition } from "./defineOp.ts";
import { defineLayer, defineOp, inputType, inputValue } from "./defineOp.ts";

export interface ActivationDefinition {
  readonly name: string;
  readonly doc: string;
  readonly arguments?: readonly LayerArgument[];
  readonly value: (x: ScalarExpr, attrs: Attrs) => ScalarExpr;
  /** Of a saturating activation: see `OpDefinition`. */
  readonly passes?: number;
  /**
   * The gradient: upstream times the derivative. Written from the output wherever it can be: the next layer keeps the output anyway, so the input of
   * the activation need not be stored.
   */
  readonly slope: (attrs: Attrs) => {
    readonly from: "input" | "output";
    readonly gradient: (value: ScalarExpr, upstream: ScalarExpr) => ScalarExpr;
  };
}

export interface Activation {
  readonly layer: LayerDefinition;
  readonly op: OpDefinition;
  readonly gradientOp: OpDefinition;
}

/** y = f(x) element by element; dx = dy * f'(x), with f' given as a function of x or of y. */
export function defineActivation(activation: ActivationDefinition): Activation {
  const { name, doc, value, slope, passes } = activation;
  return {
    layer: defineLayer({
      name,
      doc,
      expects: "any",
      compiled: true,
      arguments: activation.arguments ?? [],
      build: ({ args, x, node }) => node(name, { x }, args),
    }),
    op: defineOp({
      name,
      doc,
      inputs: ["x"],
      inferType: (types) => inputType(types, "x"),
      compute: ({ axes, attrs }) => map(axes, value(load("x", axes), attrs)),
      ...(passes !== undefined && { passes }),
      gradient({ inputs, output, attrs, upstream, build }) {
        const from = slope(attrs).from === "output" ? output : inputValue(inputs, "x");
        return { x: build(`${name}_gradient`, { upstream, value: from }, attrs) };
      },
    }),
    gradientOp: defineOp({
      name: `${name}_gradient`,
      doc: `Gradient of ${name}, from its input or its output.`,
      inputs: ["upstream", "value"],
      inferType: (types) => inputType(types, "upstream"),
      compute: ({ axes, attrs }) => map(axes, slope(attrs).gradient(load("value", axes), load("upstream", axes))),
    }),
  };
}
