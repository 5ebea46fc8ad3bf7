/** CNN2xxx: names and arguments. Only catalogue entries are exported from here. */
import { defineDiagnostic, type NoParams } from "./defineDiagnostic.ts";

const model = (body: string): string => `model Net {\n  input 1 x 8 x 8\n${body}  flatten\n  linear(3)\n}\n`;
const vector = (body: string): string => `model Net {\n  input 4\n${body}  linear(3)\n}\n`;

export const unknownStep = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2001",
  severity: "error",
  title: "An unknown step",
  message: ({ name }) => `there is no layer or block called \`${name}\``,
  explanation:
    "Where a step stands, the layers, the blocks of this file, of its imports and of the standard library, and the " +
    "names that hold one are seen. Other names are not.",
  failing: vector("  rleu\n"),
  mended: vector("  relu\n"),
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
  failing: `block relu() { sigmoid }\n${vector("  relu\n")}`,
  mended: `block smooth() { sigmoid }\n${vector("  smooth\n")}`,
});

export const duplicateDefinition = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2005",
  severity: "error",
  title: "Two definitions of one name",
  message: ({ name }) => `\`${name}\` is defined twice in this file`,
  explanation: "Blocks, models and `let`s of a file have different names.",
  failing: `block b() { relu }\nblock b() { sigmoid }\n${vector("  b\n")}`,
  mended: `block b() { relu }\nblock c() { sigmoid }\n${vector("  b -> c\n")}`,
});

export const duplicateParameter = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2006",
  severity: "error",
  title: "One name twice in a list",
  message: ({ name }) => `\`${name}\` stands twice in this list of names`,
  explanation: "The parameters of a block or model have different names, and so have the parts of a tuple.",
  failing: `block b(n, n) { linear(n) }\n${vector("  b(4)\n")}`,
  mended: `block b(n, m) { linear(n) -> linear(m) }\n${vector("  b(4, 5)\n")}`,
});

export const unknownArgument = defineDiagnostic<{ readonly callee: string; readonly name: string }>({
  code: "CNN2007",
  severity: "error",
  title: "An unknown argument",
  message: ({ callee, name }) => `${callee} has no argument \`${name}\``,
  explanation: "Arguments are named as the layer or block names them; docs/language.md lists those of every layer.",
  failing: model("  conv(2, kernal: 3)\n"),
  mended: model("  conv(2, kernel: 3)\n"),
});

export const missingArgument = defineDiagnostic<{ readonly callee: string; readonly missing: readonly string[] }>({
  code: "CNN2008",
  severity: "error",
  title: "A missing argument",
  message: ({ callee, missing }) =>
    `${callee} needs ${missing.map((name) => `\`${name}\``).join(" and ")}, which ${missing.length === 1 ? "is" : "are"} not given`,
  explanation: "An argument without a default is given by every call.",
  failing: model("  conv(2)\n"),
  mended: model("  conv(2, kernel: 3)\n"),
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
  failing: vector("  relu(1)\n"),
  mended: vector("  relu\n"),
});

export const argumentTwice = defineDiagnostic<{ readonly callee: string; readonly name: string }>({
  code: "CNN2010",
  severity: "error",
  title: "An argument given twice",
  message: ({ callee, name }) => `\`${name}\` of ${callee} is given twice`,
  explanation: "An argument is given by position or by name, once.",
  failing: model("  conv(2, 3, kernel: 5)\n"),
  mended: model("  conv(2, kernel: 5)\n"),
});

export const positionalAfterNamed = defineDiagnostic<{ readonly callee: string }>({
  code: "CNN2011",
  severity: "error",
  title: "A position after a name",
  message: ({ callee }) => `an argument of ${callee} without a name stands after one with a name`,
  explanation: "Arguments by position come first, then those with names.",
  failing: model("  conv(kernel: 3, 2)\n"),
  mended: model("  conv(2, kernel: 3)\n"),
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
  failing: model("  conv(2, kernel: true)\n"),
  mended: model("  conv(2, kernel: 3)\n"),
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
  failing: model("  conv(2, kernel: 3, stride: 0)\n"),
  mended: model("  conv(2, kernel: 3, stride: 1)\n"),
});

export const wrongOperand = defineDiagnostic<{
  readonly operator: string;
  readonly expected: string;
  readonly found: string;
}>({
  code: "CNN2015",
  severity: "error",
  title: "An operand of the wrong kind",
  message: ({ operator, expected, found }) => `\`${operator}\` takes ${expected}, found ${found}`,
  explanation:
    "Arithmetic and `<` take numbers; `and`, `or`, `not` and conditions take `true` and `false`. `==` and `!=` take any two values.",
  failing: "model Net(wide = true) {\n  input 4\n  linear(wide * 2)\n  linear(3)\n}\n",
  mended: "model Net(wide = true) {\n  input 4\n  linear(if wide { 8 } else { 4 })\n  linear(3)\n}\n",
});

export const divisionByZero = defineDiagnostic<{ readonly text: string }>({
  code: "CNN2016",
  severity: "error",
  title: "Division by zero",
  message: ({ text }) => `${text} divides by zero`,
  explanation: "The right side of `/` and `%` is not 0.",
  failing: "model Net(parts = 0) {\n  input 4\n  linear(12 / parts)\n  linear(3)\n}\n",
  mended: "model Net(parts = 2) {\n  input 4\n  linear(12 / parts)\n  linear(3)\n}\n",
});

export const numberOverflow = defineDiagnostic<{ readonly text: string }>({
  code: "CNN2017",
  severity: "error",
  title: "A result out of range",
  message: ({ text }) => `the result of ${text} is too large`,
  explanation: "Numbers go up to about 1.8e308; whole numbers are exact up to 9007199254740991.",
  failing: "let huge = 1e200\nmodel Net {\n  input 4\n  linear(min(8, huge * huge))\n  linear(3)\n}\n",
  mended: "let huge = 1e100\nmodel Net {\n  input 4\n  linear(min(8, huge * huge))\n  linear(3)\n}\n",
});

export const noSuchMember = defineDiagnostic<{ readonly what: string; readonly member: string }>({
  code: "CNN2018",
  severity: "error",
  title: "A member that is not there",
  message: ({ what, member }) => `${what} has no member \`${member}\``,
  explanation:
    "A tuple has members 0, 1, …; a value named by `as` and `in` have `channels`, `height`, `width` or `features`.",
  failing: "let pair = (8, 16)\nmodel Net {\n  input 4\n  linear(pair.2)\n  linear(3)\n}\n",
  mended: "let pair = (8, 16)\nmodel Net {\n  input 4\n  linear(pair.1)\n  linear(3)\n}\n",
});

export const notACondition = defineDiagnostic<{ readonly found: string }>({
  code: "CNN2019",
  severity: "error",
  title: "A condition that is neither true nor false",
  message: ({ found }) => `a condition is true or false, found ${found}`,
  explanation: "Numbers are not conditions: compare them, as in `depth > 0`.",
  failing: "model Net(depth = 2) {\n  input 4\n  if depth { relu }\n  linear(3)\n}\n",
  mended: "model Net(depth = 2) {\n  input 4\n  if depth > 0 { relu }\n  linear(3)\n}\n",
});

export const noShapeHere = defineDiagnostic<NoParams>({
  code: "CNN2020",
  severity: "error",
  title: "`in` where nothing arrives",
  message: () => "`in` has a meaning only where a value arrives",
  explanation:
    "`in.channels` is the shape at a step. At file level, in a model's parameters and above `input` nothing arrives.",
  failing: "let width = in.features\nmodel Net {\n  input 4\n  linear(width)\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  let width = in.features\n  linear(width)\n  linear(3)\n}\n",
});

export const patternMismatch = defineDiagnostic<{ readonly names: number; readonly found: string }>({
  code: "CNN2021",
  severity: "error",
  title: "A tuple that does not match its names",
  message: ({ names, found }) => `${names} name${names === 1 ? "" : "s"} cannot take ${found} apart`,
  explanation: "`let (a, b) = pair` needs a tuple with as many members as there are names; so does `for (a, b) in …`.",
  failing: vector("  for (n, c) in ((1, 8), (2, 16, 3)) { linear(n * c) }\n"),
  mended: vector("  for (n, c) in ((1, 8), (2, 16)) { linear(n * c) }\n"),
});

export const notATuple = defineDiagnostic<{ readonly found: string }>({
  code: "CNN2022",
  severity: "error",
  title: "A loop over what is no tuple",
  message: ({ found }) => `\`for\` goes through a tuple, found ${found}`,
  explanation: "`for c in (64, 128) { }` goes through the members of a tuple; `repeat n as i { }` counts.",
  failing: vector("  for c in 3 { linear(c) }\n"),
  mended: vector("  repeat 3 as i { linear(i + 1) }\n"),
});

export const userError = defineDiagnostic<{ readonly message: string }>({
  code: "CNN2023",
  severity: "error",
  title: "A sentence of the file's own",
  message: ({ message }) => message,
  explanation: 'The statement `error "…"` was reached: the file itself says what is wrong with its arguments.',
  failing: 'model Net(depth = 12) {\n  input 4\n  if depth != 11 { error "depth must be 11" }\n  linear(3)\n}\n',
  mended: 'model Net(depth = 11) {\n  input 4\n  if depth != 11 { error "depth must be 11" }\n  linear(3)\n}\n',
});

export const recursion = defineDiagnostic<{ readonly block: string }>({
  code: "CNN2024",
  severity: "error",
  title: "A block that calls itself",
  message: ({ block }) => `block ${block} calls itself`,
  explanation: "Blocks are unfolded where they are called, so none may lead back to itself. Use `repeat` or `for`.",
  failing: `block deep() { relu -> deep }\n${vector("  deep\n")}`,
  mended: `block deep() { repeat 3 { relu } }\n${vector("  deep\n")}`,
});

export const unknownModel = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2025",
  severity: "error",
  title: "An unknown model",
  message: ({ name }) => `this file has no model called \`${name}\``,
  explanation: "`train` names a model of the file or of its imports, and so does `--model`.",
  failing: `${vector("")}train Nat {\n  data mnist\n  optimizer sgd(lr: 0.1)\n}\n`,
  mended: `${vector("")}train Net {\n  data mnist\n  optimizer sgd(lr: 0.1)\n}\n`,
});

export const noModel = defineDiagnostic<NoParams>({
  code: "CNN2026",
  severity: "error",
  title: "A file without a model",
  message: () => "this file has no model",
  explanation: "A file of blocks is there to be imported; what is compiled is a model: `model Net { input … }`.",
  failing: "block b() { relu }\n",
  mended: `block b() { relu }\n${vector("  b\n")}`,
});

export const notAGraphValue = defineDiagnostic<{ readonly name: string; readonly found: string }>({
  code: "CNN2027",
  severity: "error",
  title: "A name that is no value of the network",
  message: ({ name, found }) => `\`${name}\` holds ${found}, not a value of the network`,
  explanation: "`from` takes a name that `as` gave to the result of a step.",
  failing: "model Net(width = 8) {\n  input 4\n  linear(width)\n  from width -> linear(3)\n}\n",
  mended: "model Net(width = 8) {\n  input 4\n  linear(width) as wide\n  from wide -> linear(3)\n}\n",
});

export const graphValueAsNumber = defineDiagnostic<{ readonly name: string }>({
  code: "CNN2028",
  severity: "error",
  title: "A value of the network used as a number",
  message: ({ name }) => `\`${name}\` is a value of the network, known only when the network runs`,
  explanation:
    "Expressions are worked out while compiling. Of a value named by `as` only the shape is known then: " +
    "`stem.channels`; `from stem` begins a chain with it.",
  failing: "model Net {\n  input 4\n  linear(8) as wide\n  linear(wide)\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  linear(8) as wide\n  linear(wide.features)\n  linear(3)\n}\n",
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
  failing: `block b() {\n  input 4\n  relu\n}\n${vector("  b\n")}`,
  mended: `block b() {\n  relu\n}\n${vector("  b\n")}`,
});

export const branchMisplaced = defineDiagnostic<NoParams>({
  code: "CNN2031",
  severity: "error",
  title: "A branch outside a join",
  message: () => "`branch` stands directly inside `concat`, `add` or `multiply`",
  explanation: "Branches belong to the join around them; only `for`, `repeat` and `if` may stand between.",
  failing: vector("  branch { relu }\n"),
  mended: vector("  add {\n    branch { relu }\n    branch { }\n  }\n"),
});

export const stepAmongBranches = defineDiagnostic<{ readonly join: string }>({
  code: "CNN2032",
  severity: "error",
  title: "A step among branches",
  message: ({ join }) => `inside \`${join}\` stand branches, not steps`,
  explanation:
    "Each way through a join is written `branch { … }`; `for`, `repeat`, `if` and `let` may stand around them.",
  failing: vector("  add {\n    relu\n    branch { }\n  }\n"),
  mended: vector("  add {\n    branch { relu }\n    branch { }\n  }\n"),
});

export const noBranches = defineDiagnostic<{ readonly join: string }>({
  code: "CNN2033",
  severity: "error",
  title: "A join without branches",
  message: ({ join }) => `this \`${join}\` has no branches`,
  explanation: "A join needs at least one branch; an empty branch `branch { }` passes on what arrives.",
  failing: vector("  concat { }\n"),
  mended: vector("  concat {\n    branch { }\n    branch { relu }\n  }\n"),
});

export const headMisplaced = defineDiagnostic<{ readonly place: string }>({
  code: "CNN2034",
  severity: "error",
  title: "A head outside a model's body",
  message: ({ place }) => `\`head\` stands in a model's body, not in ${place}`,
  explanation: "Heads end the network, so they belong to the model; name the value and take it with `from`.",
  failing: `block b() {\n  head aux { linear(3) }\n}\n${vector("  b\n")}`,
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
  failing: vector("  repeat 1000000000 { relu }\n"),
  mended: vector("  repeat 10 { relu }\n"),
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

export const unknownSetting = defineDiagnostic<{ readonly model: string; readonly name: string }>({
  code: "CNN2039",
  severity: "error",
  title: "An unknown model parameter",
  message: ({ model: modelName, name }) => `model ${modelName} has no parameter \`${name}\``,
  explanation: "`--set` and `train Net(…)` give values to the parameters in the model's brackets.",
  failing:
    "model Net(classes = 3) {\n  input 4\n  linear(classes)\n}\ntrain Net(clases: 4) {\n  data mnist\n  optimizer sgd(lr: 0.1)\n}\n",
  mended:
    "model Net(classes = 3) {\n  input 4\n  linear(classes)\n}\ntrain Net(classes: 4) {\n  data mnist\n  optimizer sgd(lr: 0.1)\n}\n",
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
