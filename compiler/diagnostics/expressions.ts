/** CNN2xxx: expressions. Only catalogue entries are exported from here. */
import { defineDiagnostic, type NoParams } from "./defineDiagnostic.ts";
import { vectorExample } from "./examples.ts";

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
  failing: vectorExample("  for (n, c) in ((1, 8), (2, 16, 3)) { linear(n * c) }\n"),
  mended: vectorExample("  for (n, c) in ((1, 8), (2, 16)) { linear(n * c) }\n"),
});

export const notATuple = defineDiagnostic<{ readonly found: string }>({
  code: "CNN2022",
  severity: "error",
  title: "A loop over what is no tuple",
  message: ({ found }) => `\`for\` goes through a tuple, found ${found}`,
  explanation: "`for c in (64, 128) { }` goes through the members of a tuple; `repeat n as i { }` counts.",
  failing: vectorExample("  for c in 3 { linear(c) }\n"),
  mended: vectorExample("  repeat 3 as i { linear(i + 1) }\n"),
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
