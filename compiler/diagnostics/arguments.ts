/** CNN2xxx: arguments of layers, blocks and models. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";
import { imageExample, vectorExample } from "./examples.ts";

export const unknownArgument = defineDiagnostic<{ readonly callee: string; readonly name: string }>({
  code: "CNN2007",
  severity: "error",
  title: "An unknown argument",
  message: ({ callee, name }) => `${callee} has no argument \`${name}\``,
  explanation: "Arguments are named as the layer or block names them; docs/language.md lists those of every layer.",
  failing: imageExample("  conv(2, kernal: 3)\n"),
  mended: imageExample("  conv(2, kernel: 3)\n"),
});

export const missingArgument = defineDiagnostic<{ readonly callee: string; readonly missing: readonly string[] }>({
  code: "CNN2008",
  severity: "error",
  title: "A missing argument",
  message: ({ callee, missing }) =>
    `${callee} needs ${missing.map((name) => `\`${name}\``).join(" and ")}, which ${missing.length === 1 ? "is" : "are"} not given`,
  explanation: "An argument without a default is given by every call.",
  failing: imageExample("  conv(2)\n"),
  mended: imageExample("  conv(2, kernel: 3)\n"),
});

export const tooManyArguments = defineDiagnostic<{
  readonly callee: string;
  readonly most: number;
  readonly found: number;
}>({
  code: "CNN2009",
  severity: "error",
  title: "Too many arguments",
  message: ({ callee, most, found }) =>
    most === 0
      ? `${callee} takes no arguments, found ${found}`
      : `${callee} takes at most ${most} argument${most === 1 ? "" : "s"}, found ${found}`,
  explanation: "Arguments by position are taken in the order of the layer's table or of the block's parameters.",
  failing: vectorExample("  relu(1)\n"),
  mended: vectorExample("  relu\n"),
});

export const argumentTwice = defineDiagnostic<{ readonly callee: string; readonly name: string }>({
  code: "CNN2010",
  severity: "error",
  title: "An argument given twice",
  message: ({ callee, name }) => `\`${name}\` of ${callee} is given twice`,
  explanation: "An argument is given by position or by name, once.",
  failing: imageExample("  conv(2, 3, kernel: 5)\n"),
  mended: imageExample("  conv(2, kernel: 5)\n"),
});

export const positionalAfterNamed = defineDiagnostic<{ readonly callee: string }>({
  code: "CNN2011",
  severity: "error",
  title: "A position after a name",
  message: ({ callee }) => `an argument of ${callee} without a name stands after one with a name`,
  explanation: "Arguments by position come first, then those with names.",
  failing: imageExample("  conv(kernel: 3, 2)\n"),
  mended: imageExample("  conv(2, kernel: 3)\n"),
});

export const wrongArgument = defineDiagnostic<{
  readonly name: string;
  readonly expected: string;
  readonly found: string;
}>({
  code: "CNN2012",
  severity: "error",
  title: "A value of the wrong kind",
  message: ({ name, expected, found }) => `\`${name}\` takes ${expected}, found ${found}`,
  explanation: "Each argument takes one kind of value: a whole number, a number, `true` or `false`, a size, a word.",
  failing: imageExample("  conv(2, kernel: true)\n"),
  mended: imageExample("  conv(2, kernel: 3)\n"),
});

export const notWhole = defineDiagnostic<{ readonly what: string; readonly found: string }>({
  code: "CNN2013",
  severity: "error",
  title: "Not a whole number",
  message: ({ what, found }) => `${what} needs a whole number, found ${found}`,
  explanation: "A whole real such as `8.0` counts as a whole number. `floor(a / b)` divides and rounds down.",
  failing: "model Net(width = 9) {\n  input 4\n  linear(width / 2)\n  linear(3)\n}\n",
  mended: "model Net(width = 9) {\n  input 4\n  linear(floor(width / 2))\n  linear(3)\n}\n",
});

export const outOfRange = defineDiagnostic<{ readonly what: string; readonly range: string; readonly found: string }>({
  code: "CNN2014",
  severity: "error",
  title: "A number out of range",
  message: ({ what, range, found }) => `${what} must be ${range}, found ${found}`,
  explanation: "Sizes and counts are at least 1, a dropout rate is at least 0 and below 1, and so on.",
  failing: imageExample("  conv(2, kernel: 3, stride: 0)\n"),
  mended: imageExample("  conv(2, kernel: 3, stride: 1)\n"),
});

export const unknownSetting = defineDiagnostic<{ readonly model: string; readonly name: string }>({
  code: "CNN2039",
  severity: "error",
  title: "An unknown model parameter",
  message: ({ model: modelName, name }) => `model ${modelName} has no parameter \`${name}\``,
  explanation: "`--set` and `train Net(…)` give values to the parameters in the model's brackets.",
  failing:
    'model Net(classes = 3) {\n  input 4\n  linear(classes)\n}\ntrain Net(clases: 4) {\n  data images("photos")\n  optimizer sgd(lr: 0.1)\n}\n',
  mended:
    'model Net(classes = 3) {\n  input 4\n  linear(classes)\n}\ntrain Net(classes: 4) {\n  data images("photos")\n  optimizer sgd(lr: 0.1)\n}\n',
});

export const notCallable = defineDiagnostic<{ readonly name: string; readonly found: string }>({
  code: "CNN2040",
  severity: "error",
  title: "A value with arguments",
  message: ({ name, found }) => `\`${name}\` is ${found} and takes no arguments`,
  explanation: "As a value, only functions, layers and blocks take arguments: `min(a, b)`, `leaky_relu(0.1)`.",
  failing: "model Net(width = 8) {\n  input 4\n  linear(width(2))\n  linear(3)\n}\n",
  mended: "model Net(width = 8) {\n  input 4\n  linear(width * 2)\n  linear(3)\n}\n",
});

export const parameterWithoutValue = defineDiagnostic<{ readonly model: string; readonly name: string }>({
  code: "CNN2041",
  severity: "error",
  title: "A model parameter without a value",
  message: ({ model: modelName, name }) => `model ${modelName} needs a value for \`${name}\``,
  explanation:
    "A parameter without a default is given from outside, by `--set` or by the recipe: `train Net(width: 8)`.",
  failing: "model Net(width) {\n  input 4\n  linear(width)\n  linear(3)\n}\n",
  mended: "model Net(width = 8) {\n  input 4\n  linear(width)\n  linear(3)\n}\n",
});
