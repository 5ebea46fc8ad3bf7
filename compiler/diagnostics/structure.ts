/** CNN2xxx: what may stand where, and how far it unfolds. Only catalogue entries are exported from here. */
import { defineDiagnostic, type NoParams } from "./defineDiagnostic.ts";
import { vectorExample } from "./examples.ts";

export const userError = defineDiagnostic<{ readonly message: string }>({
  code: "CNN2023",
  severity: "error",
  title: "A sentence of the file's own",
  message: ({ message }) => message,
  explanation:
    '`error "…"` was reached, as a statement or in place of the value of an `if`: the file itself says what is wrong.',
  failing: 'model Net(depth = 12) {\n  input 4\n  if depth != 11 { error "depth must be 11" }\n  linear(3)\n}\n',
  mended: 'model Net(depth = 11) {\n  input 4\n  if depth != 11 { error "depth must be 11" }\n  linear(3)\n}\n',
});

export const recursion = defineDiagnostic<{ readonly block: string }>({
  code: "CNN2024",
  severity: "error",
  title: "A block that calls itself",
  message: ({ block }) => `block ${block} calls itself`,
  explanation: "Blocks are unfolded where they are called, so none may lead back to itself. Use `repeat` or `for`.",
  failing: `block deep() { relu -> deep }\n${vectorExample("  deep\n")}`,
  mended: `block deep() { repeat 3 { relu } }\n${vectorExample("  deep\n")}`,
});

export const inputTwice = defineDiagnostic<NoParams>({
  code: "CNN2029",
  severity: "error",
  title: "A second input",
  message: () => "this model has an `input` already",
  explanation: "A network takes one tensor; `input` stands once, before the first step.",
  failing: "model Net {\n  input 4\n  input 4\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const inputMisplaced = defineDiagnostic<{ readonly place: string }>({
  code: "CNN2030",
  severity: "error",
  title: "An input outside a model's body",
  message: ({ place }) => `\`input\` stands in a model's body, not in ${place}`,
  explanation: "A block takes whatever arrives where it is called; only a model says what the network takes.",
  failing: `block b() {\n  input 4\n  relu\n}\n${vectorExample("  b\n")}`,
  mended: `block b() {\n  relu\n}\n${vectorExample("  b\n")}`,
});

export const branchMisplaced = defineDiagnostic<NoParams>({
  code: "CNN2031",
  severity: "error",
  title: "A branch outside a join",
  message: () => "`branch` stands directly inside `concat`, `add` or `multiply`",
  explanation: "Branches belong to the join around them; only `for`, `repeat` and `if` may stand between.",
  failing: vectorExample("  branch { relu }\n"),
  mended: vectorExample("  add {\n    branch { relu }\n    branch { }\n  }\n"),
});

export const stepAmongBranches = defineDiagnostic<{ readonly join: string }>({
  code: "CNN2032",
  severity: "error",
  title: "A step among branches",
  message: ({ join }) => `inside \`${join}\` stand branches, not steps`,
  explanation:
    "Each way through a join is written `branch { … }`; `for`, `repeat`, `if` and `let` may stand around them.",
  failing: vectorExample("  add {\n    relu\n    branch { }\n  }\n"),
  mended: vectorExample("  add {\n    branch { relu }\n    branch { }\n  }\n"),
});

export const noBranches = defineDiagnostic<{ readonly join: string }>({
  code: "CNN2033",
  severity: "error",
  title: "A join without branches",
  message: ({ join }) => `this \`${join}\` has no branches`,
  explanation: "A join needs at least one branch; an empty branch `branch { }` passes on what arrives.",
  failing: vectorExample("  concat { }\n"),
  mended: vectorExample("  concat {\n    branch { }\n    branch { relu }\n  }\n"),
});

export const headMisplaced = defineDiagnostic<{ readonly place: string }>({
  code: "CNN2034",
  severity: "error",
  title: "A head outside a model's body",
  message: ({ place }) => `\`head\` stands in a model's body, not in ${place}`,
  explanation: "Heads end the network, so they belong to the model; name the value and take it with `from`.",
  failing: `block b() {\n  head aux { linear(3) }\n}\n${vectorExample("  b\n")}`,
  mended: "model Net {\n  input 4\n  head aux { linear(3) }\n  linear(3)\n}\n",
});

export const headName = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2035",
  severity: "error",
  title: "A head's name that is in use",
  message: ({ name }) =>
    name === "output" ? "the model's own end is called `output`" : `there is a head called \`${name}\` already`,
  explanation: "Losses and results are told apart by the heads' names; the model's end is called `output`.",
  failing: "model Net {\n  input 4\n  head aux { linear(3) }\n  head aux { linear(3) }\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  head aux1 { linear(3) }\n  head aux2 { linear(3) }\n  linear(3)\n}\n",
});

export const tooLarge = defineDiagnostic<{ readonly what: string; readonly limit: number }>({
  code: "CNN2036",
  severity: "error",
  title: "A program that unfolds without end",
  message: ({ what, limit }) => `${what} goes beyond ${limit}`,
  explanation:
    "Blocks and loops are unfolded while compiling: at most 1000000 rounds, calls and operations, 100000 layers, and " +
    "calls 100 deep.",
  failing: vectorExample("  repeat 1000000000 { relu }\n"),
  mended: vectorExample("  repeat 10 { relu }\n"),
});
