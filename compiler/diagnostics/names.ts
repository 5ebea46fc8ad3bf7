/** CNN2xxx: names. Only catalogue entries are exported from here. */
import { defineDiagnostic, type NoParams } from "./defineDiagnostic.ts";
import { vectorExample } from "./examples.ts";

export * from "./arguments.ts";
export * from "./expressions.ts";
export * from "./structure.ts";

export const unknownStep = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2001",
  severity: "error",
  title: "An unknown step",
  message: ({ name }) => `there is no layer or block called \`${name}\``,
  explanation:
    "Where a step stands, the layers, the blocks of this file, of its imports and of the standard library, and the " +
    "names that hold one are seen. Other names are not.",
  failing: vectorExample("  rleu\n"),
  mended: vectorExample("  relu\n"),
});

export const unknownName = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2002",
  severity: "error",
  title: "An unknown name",
  message: ({ name }) => `there is nothing called \`${name}\` here`,
  explanation:
    "A name holds from where it is given to the end of its braces. What a model or a block names is not seen inside " +
    "the blocks that it calls: give it to them as an argument.",
  failing: "model Net(classes = 10) {\n  input 4\n  linear(clases)\n}\n",
  mended: "model Net(classes = 10) {\n  input 4\n  linear(classes)\n}\n",
});

export const notAStepValue = defineDiagnostic<{ readonly name: string; readonly found: string }>({
  code: "CNN2003",
  severity: "error",
  title: "A name that is no step",
  message: ({ name, found }) => `\`${name}\` holds ${found}, not a layer or block`,
  explanation: "A step is a layer, a block, or a name that holds one, such as the parameter of `block b(act = relu)`.",
  failing: "model Net(width = 8) {\n  input 4\n  width\n  linear(3)\n}\n",
  mended: "model Net(width = 8) {\n  input 4\n  linear(width)\n  linear(3)\n}\n",
});

export const nameTaken = defineDiagnostic<{ readonly name: string; readonly by: string }>({
  code: "CNN2004",
  severity: "error",
  title: "The name of a layer or function",
  message: ({ name, by }) => `\`${name}\` is the name of ${by} and cannot be taken`,
  explanation:
    "A block or model cannot bear the name of a layer or of a function such as `min`, nor can a name that holds a " +
    "layer or block. A name for a number may: `dropout = 0.3`.",
  failing: `block relu() { sigmoid }\n${vectorExample("  relu\n")}`,
  mended: `block smooth() { sigmoid }\n${vectorExample("  smooth\n")}`,
});

export const duplicateDefinition = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2005",
  severity: "error",
  title: "Two definitions of one name",
  message: ({ name }) => `\`${name}\` is defined twice in this file`,
  explanation: "Blocks, models and `let`s of a file have different names.",
  failing: `block b() { relu }\nblock b() { sigmoid }\n${vectorExample("  b\n")}`,
  mended: `block b() { relu }\nblock c() { sigmoid }\n${vectorExample("  b -> c\n")}`,
});

export const duplicateParameter = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2006",
  severity: "error",
  title: "One name twice in a list",
  message: ({ name }) => `\`${name}\` stands twice in this list of names`,
  explanation: "The parameters of a block or model have different names, and so have the parts of a tuple.",
  failing: `block b(n, n) { linear(n) }\n${vectorExample("  b(4)\n")}`,
  mended: `block b(n, m) { linear(n) -> linear(m) }\n${vectorExample("  b(4, 5)\n")}`,
});

export const unknownModel = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2025",
  severity: "error",
  title: "An unknown model",
  message: ({ name }) => `this file has no model called \`${name}\``,
  explanation: "`train` names a model of the file or of its imports, and so does `--model`.",
  failing: `${vectorExample("")}train Nat {\n  data images("photos")\n  optimizer sgd(lr: 0.1)\n}\n`,
  mended: `${vectorExample("")}train Net {\n  data images("photos")\n  optimizer sgd(lr: 0.1)\n}\n`,
});

export const noModel = defineDiagnostic<NoParams>({
  code: "CNN2026",
  severity: "error",
  title: "A file without a model",
  message: () => "this file has no model",
  explanation: "A file of blocks is there to be imported; what is compiled is a model: `model Net { input … }`.",
  failing: "block b() { relu }\n",
  mended: `block b() { relu }\n${vectorExample("  b\n")}`,
});

export const circularLet = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2037",
  severity: "error",
  title: "A name defined by itself",
  message: ({ name }) => `\`${name}\` is worked out from itself`,
  explanation: "The `let`s of a file may stand in any order, but none may lead back to itself.",
  failing: "let a = b + 1\nlet b = a\nmodel Net {\n  input 4\n  linear(a)\n  linear(3)\n}\n",
  mended: "let a = b + 1\nlet b = 7\nmodel Net {\n  input 4\n  linear(a)\n  linear(3)\n}\n",
});

export const modelAsStep = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2038",
  severity: "error",
  title: "A model used as a step",
  message: ({ name }) => `\`${name}\` is a model, and only layers and blocks are steps`,
  explanation: "A model has its own input and end. What two models share is written as a block.",
  failing: `model Body {\n  input 4\n  linear(3)\n}\nmodel Net {\n  input 4\n  Body\n  linear(3)\n}\n`,
  mended: `block Body() {\n  linear(3)\n}\nmodel Net {\n  input 4\n  Body\n  linear(3)\n}\n`,
});
