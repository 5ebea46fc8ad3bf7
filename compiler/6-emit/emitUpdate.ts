/**
 * The kernels that end a step: one dispatch for each flat slot of parameters. Each invocation takes four neighbouring
 * elements, adds the parts of their gradient in index order, and either updates them (the optimizer's formula) or
 * writes the sum out. A table of one row for every 64 elements says where their gradient's parts lie.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { Condition, ScalarExpr } from "../ir/expression.ts";
import { both, comparisonText } from "./scalarFunctions.ts";
import { uniformBlock } from "./uniforms.ts";
import type { UniformWord } from "./uniforms.ts";
import { floatLiteral, groupIndex } from "./wgslWriter.ts";

/** Elements that share a row of the table; parameters are padded to it. */
export const blockElements = 64;

export interface UpdateFormula {
  /** The new element; loads "parameter", "gradient" and the states by name. */
  readonly parameter: ScalarExpr;
  readonly states: Readonly<Record<string, ScalarExpr>>;
}

export interface UpdateSizes {
  /** Elements of the parameters' slot, a multiple of 64. */
  readonly parameterElements: number;
  /** Elements of the gradients' slot, a multiple of 64. */
  readonly gradientElements: number;
}

/** Invocations in a workgroup of these kernels. */
export const updateWorkgroup = 64;
const vectorsPerBlock = blockElements / 4;

/**
 * The gradient that an update takes: the sum of a step's parts; or the mean of the gradients gathered over its micro-batches; or
 * the gathered ones times the number that clips them.
 */
export type GradientSource = "parts" | "gathered" | "clipped";

/** The update of one slot. Bindings: parameters, gradients, table, then each state in order, then what clips. */
export function emitUpdateKernel(
  formula: UpdateFormula,
  stateNames: readonly string[],
  sizes: UpdateSizes,
  uniforms: readonly UniformWord[],
  source: GradientSource = "parts",
): string {
  const vectors = sizes.parameterElements / 4;
  const print = formulaPrinter(uniforms);
  const states = stateNames.map(
    (name, index) =>
      `@group(0) @binding(${index + 4}) var<storage, read_write> ${name}_state: array<vec4f, ${vectors}>;`,
  );
  const body = [
    "let parameter = parameters[item];",
    ...stateNames.map((name) => `let ${name} = ${name}_state[item];`),
    ...stateNames.map((name) => `let ${name}_next = ${print.vector(formula.states[name] ?? missing(name))};`),
    `let parameter_next = ${print.vector(formula.parameter)};`,
    ...stateNames.map((name) => `${name}_state[item] = ${name}_next;`),
    "parameters[item] = parameter_next;",
  ];
  return kernelText(
    [`@group(0) @binding(1) var<storage, read_write> parameters: array<vec4f, ${vectors}>;`],
    source === "clipped"
      ? [...states, `@group(0) @binding(${stateNames.length + 4}) var<storage, read> scale: array<f32, 4>;`]
      : states,
    body,
    source === "parts" ? sizes : { ...sizes, gradientElements: sizes.parameterElements },
    uniforms,
    source,
  );
}

/** Writes the summed gradients of one slot. Bindings: the output, gradients, table. */
export function emitCollectKernel(sizes: UpdateSizes): string {
  const vectors = sizes.parameterElements / 4;
  const output = `@group(0) @binding(1) var<storage, read_write> collected: array<vec4f, ${vectors}>;`;
  return kernelText([output], [], ["collected[item] = gradient;"], sizes, []);
}

function missing(name: string): never {
  throw new InternalCompilerError("emitUpdate", `the optimizer gives no new value for ${name}`);
}

/** A kernel that has the gradient of four elements in `gradient`; `body` says what becomes of it. */
export function kernelText(
  first: readonly string[],
  more: readonly string[],
  body: readonly string[],
  sizes: UpdateSizes,
  uniforms: readonly UniformWord[],
  source: GradientSource = "parts",
): string {
  const vectors = sizes.parameterElements / 4;
  const groups = Math.ceil(vectors / updateWorkgroup);
  const group = groupIndex(groups);
  return [
    ...(uniforms.length > 0 ? [uniformBlock(uniforms)] : []),
    ...first,
    `@group(0) @binding(2) var<storage, read> gradients: array<vec4f, ${sizes.gradientElements / 4}>;`,
    "// A row for every 64 elements: first vector of the gradient, vectors from part to part, number of parts.",
    `@group(0) @binding(3) var<storage, read> blocks: array<vec4u, ${sizes.parameterElements / blockElements}>;`,
    ...more,
    "",
    `@compute @workgroup_size(${updateWorkgroup})`,
    "fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {",
    `  let item = ${group} * ${updateWorkgroup}u + lane;`,
    `  if (item >= ${vectors}u) {`,
    "    return;",
    "  }",
    `  let block = blocks[item / ${vectorsPerBlock}u];`,
    "  // No part: the parameter is frozen.",
    "  if (block.z == 0u) {",
    "    return;",
    "  }",
    ...gradientLines[source],
    ...body.map((line) => `  ${line}`),
    "}",
    "",
  ].join("\n");
}

const gradientLines: Readonly<Record<GradientSource, readonly string[]>> = {
  parts: [
    "  var gradient = vec4f();",
    "  for (var part = 0u; part < block.z; part++) {",
    `    gradient += gradients[block.x + item % ${vectorsPerBlock}u + part * block.y];`,
    "  }",
  ],
  gathered: ["  let gradient = gradients[item] / f32(step.micro + 1u);"],
  clipped: ["  let gradient = gradients[item] * scale[0];"],
};

/** Prints a formula on vectors of four; a constant or a uniform is spread over the four where WGSL asks for it. */
function formulaPrinter(uniforms: readonly UniformWord[]): { readonly vector: (expr: ScalarExpr) => string } {
  interface Printed {
    readonly text: string;
    readonly spread: boolean; // a vector already
  }
  const asVector = ({ text, spread }: Printed): string => (spread ? text : `vec4f(${text})`);
  const print = (expr: ScalarExpr): Printed => {
    switch (expr.kind) {
      case "number":
        return { text: floatLiteral(expr.value), spread: false };
      case "uniform": {
        const word = uniforms.find((each) => each.name === expr.name);
        if (word === undefined) throw new InternalCompilerError("emitUpdate", `no uniform is called ${expr.name}`);
        return { text: word.type === "f32" ? `step.${word.name}` : `f32(step.${word.name})`, spread: false };
      }
      case "load":
        return { text: expr.from, spread: true };
      case "unary": {
        const of = print(expr.of);
        if (expr.fn === "neg") return { text: `(-${of.text})`, spread: of.spread };
        return { text: `${expr.fn}(${of.text})`, spread: of.spread };
      }
      case "binary": {
        const [left, right] = [print(expr.left), print(expr.right)];
        const spread = left.spread || right.spread;
        if (expr.fn === "max" || expr.fn === "min" || expr.fn === "pow") {
          const [a, b] = spread ? [asVector(left), asVector(right)] : [left.text, right.text];
          return { text: `${expr.fn}(${a}, ${b})`, spread };
        }
        const operator = { add: "+", sub: "-", mul: "*", div: "/" }[expr.fn];
        return { text: `(${left.text} ${operator} ${right.text})`, spread };
      }
      case "select": {
        const [then, otherwise] = [print(expr.then), print(expr.otherwise)];
        return {
          text: `select(${asVector(otherwise)}, ${asVector(then)}, ${printCondition(expr.when)})`,
          spread: true,
        };
      }
      case "index":
      case "random":
      case "reduced":
        throw new InternalCompilerError("emitUpdate", `an optimizer's formula cannot hold ${expr.kind}`);
    }
  };
  const printCondition = (when: Condition): string => {
    if (when.kind === "and") return when.all.map(printCondition).join(both);
    if (when.kind !== "compare") throw new InternalCompilerError("emitUpdate", "an optimizer's formula has no axes");
    const [left, right] = [print(when.left), print(when.right)];
    const spread = left.spread || right.spread;
    return spread
      ? `(${asVector(left)} ${comparisonText[when.fn]} ${asVector(right)})`
      : `(${left.text} ${comparisonText[when.fn]} ${right.text})`;
  };
  return { vector: (expr) => asVector(print(expr)) };
}
