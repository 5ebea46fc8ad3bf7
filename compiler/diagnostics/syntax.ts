/** CNN1xxx: syntax. Only catalogue entries are exported from here. */
import { defineDiagnostic, type NoParams } from "./defineDiagnostic.ts";

export const strayCharacters = defineDiagnostic<{ readonly text: string }>({
  code: "CNN1001",
  severity: "error",
  title: "Characters that mean nothing",
  message: ({ text }) => `\`${text}\` means nothing here`,
  explanation:
    "Outside comments and strings, a file holds names, numbers and the signs of the language. A run of other " +
    "characters is reported once and skipped.",
  failing: "model Net {\n  input 4\n  linear(3) @@\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const unclosedString = defineDiagnostic<NoParams>({
  code: "CNN1002",
  severity: "error",
  title: "A string that is not closed",
  message: () => "this string is not closed on its line",
  explanation: 'A string stands between two `"` on one line; a line end inside it is written `\\n`.',
  failing: 'model Net(depth = 3) {\n  input 4\n  if depth > 3 { error "too deep }\n  linear(3)\n}\n',
  mended: 'model Net(depth = 3) {\n  input 4\n  if depth > 3 { error "too deep" }\n  linear(3)\n}\n',
});

export const unclosedComment = defineDiagnostic<NoParams>({
  code: "CNN1003",
  severity: "error",
  title: "A comment that is not closed",
  message: () => "this comment is not closed: the rest of the file is inside it",
  explanation: "A comment that begins with `/*` ends with the first `*/` after it.",
  failing: "model Net {\n  input 4\n  linear(3)\n}\n/* the end\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n/* the end */\n",
});

export const invalidNumber = defineDiagnostic<{ readonly text: string }>({
  code: "CNN1004",
  severity: "error",
  title: "Not a number",
  message: ({ text }) => `\`${text}\` is not a number`,
  explanation:
    "Numbers are written `12`, `0.5`, `.5` or `5e-4`: digits on both sides of the point or after it, and digits after " +
    "an `e`. A name cannot begin with a digit. Only in `input` may an `x` follow a number directly.",
  failing: "model Net {\n  input 4\n  linear(3) -> dropout(0.5f)\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  linear(3) -> dropout(0.5)\n  linear(3)\n}\n",
});

export const numberTooLarge = defineDiagnostic<{ readonly text: string }>({
  code: "CNN1005",
  severity: "error",
  title: "A number out of range",
  message: ({ text }) => `\`${text}\` is too large to be held exactly`,
  explanation: "Whole numbers go up to 9007199254740991 (2^53 - 1), reals up to about 1.8e308.",
  failing: "model Net(wide = 99999999999999999999) {\n  input 4\n  linear(3)\n}\n",
  mended: "model Net(wide = 99999) {\n  input 4\n  linear(3)\n}\n",
});

export const unknownEscape = defineDiagnostic<{ readonly text: string }>({
  code: "CNN1006",
  severity: "error",
  title: "An unknown escape in a string",
  message: ({ text }) => `\`${text}\` is not an escape that strings know`,
  explanation: 'Strings know `\\n`, `\\t`, `\\"`, `\\\\` and `\\u{1f600}`. A backslash itself is written `\\\\`.',
  failing: 'model Net(depth = 3) {\n  input 4\n  if depth > 3 { error "C:\\data" }\n  linear(3)\n}\n',
  mended: 'model Net(depth = 3) {\n  input 4\n  if depth > 3 { error "C:\\\\data" }\n  linear(3)\n}\n',
});

export const foreignSpelling = defineDiagnostic<{ readonly found: string; readonly written: string }>({
  code: "CNN1007",
  severity: "error",
  title: "A sign from another language",
  message: ({ found, written }) => `\`${found}\` is written \`${written}\` here`,
  explanation:
    "Some signs of other languages are read as what was meant, and reported: `&&` for `and`, `||` for `or`, `!` for `not`, `[ ]` for `( )`, `=>` and `→` for `->`, `×` for `x`, `'…'` for `\"…\"`, `#` for `//`.",
  failing: "model Net(a = 1) {\n  input 4\n  if a > 1 && a < 3 { relu }\n  linear(3)\n}\n",
  mended: "model Net(a = 1) {\n  input 4\n  if a > 1 and a < 3 { relu }\n  linear(3)\n}\n",
});

export const foreignLetters = defineDiagnostic<{ readonly name: string }>({
  code: "CNN1008",
  severity: "error",
  title: "Letters that names cannot have",
  message: ({ name }) => `the name \`${name}\` has letters other than a-z, A-Z, 0-9 and _`,
  explanation: "Names become names in the generated program, so they keep to ASCII letters, digits and `_`.",
  failing: "model Net(größe = 4) {\n  input größe\n  linear(3)\n}\n",
  mended: "model Net(size = 4) {\n  input size\n  linear(3)\n}\n",
});

export const unclosedBracket = defineDiagnostic<{ readonly open: string; readonly close: string }>({
  code: "CNN1009",
  severity: "error",
  title: "A bracket that is not closed",
  message: ({ open, close }) => `this \`${open}\` has no \`${close}\``,
  explanation:
    "Every `(` needs its `)` and every `{` its `}`. The note says where the closing bracket was missed at the latest; " +
    "the indentation is used to guess where it was forgotten.",
  failing: "model Net {\n  input 4\n  linear(3\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const unopenedBracket = defineDiagnostic<{ readonly close: string }>({
  code: "CNN1010",
  severity: "error",
  title: "A closing bracket too many",
  message: ({ close }) => `this \`${close}\` closes nothing`,
  explanation: "There are more closing brackets than open ones up to here; the bracket is skipped.",
  failing: "model Net {\n  input 4\n  linear(3))\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const nestedTooDeeply = defineDiagnostic<{ readonly what: string; readonly limit: number }>({
  code: "CNN1011",
  severity: "error",
  title: "Nested too deeply",
  message: ({ what, limit }) => `${what} more than ${limit} deep`,
  explanation:
    "Brackets may be nested 64 deep, and an expression may hold 500 operations inside one another. Chains of steps " +
    "may be as long as you like. The rest of the file is not read.",
  failing: `model Net(a = ${"(".repeat(65)}1${")".repeat(65)}) {\n  input 4\n  linear(3)\n}\n`,
  mended: "model Net(a = 1) {\n  input 4\n  linear(3)\n}\n",
});

export const expectedSomething = defineDiagnostic<{ readonly expected: string; readonly found: string }>({
  code: "CNN1012",
  severity: "error",
  title: "Something else was expected",
  message: ({ expected, found }) => `expected ${expected}, found ${found}`,
  explanation: "What stands here does not fit what stands before it. The message names what could have followed.",
  failing: "model Net {\n  input 4\n  linear(3) ->\n}\n",
  mended: "model Net {\n  input 4\n  linear(3) -> relu -> linear(3)\n}\n",
});

export const reservedWord = defineDiagnostic<{ readonly word: string; readonly expected: string }>({
  code: "CNN1013",
  severity: "error",
  title: "A reserved word used as a name",
  message: ({ word, expected }) => `expected ${expected}, but \`${word}\` is a reserved word`,
  explanation:
    "Reserved are only `and or not true false if else for in repeat let from as`; every other word may be a name.",
  failing: "model Net(in = 4) {\n  input 4\n  linear(3)\n}\n",
  mended: "model Net(inputs = 4) {\n  input inputs\n  linear(3)\n}\n",
});

export const notADefinition = defineDiagnostic<{ readonly found: string }>({
  code: "CNN1014",
  severity: "error",
  title: "Not a definition",
  message: ({ found }) => `expected \`model\`, \`block\`, \`train\`, \`let\` or \`import\`, found ${found}`,
  explanation: "Outside all braces a file holds definitions only; steps stand inside a model or a block.",
  failing: "modle Net {\n  input 4\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const notAStep = defineDiagnostic<{ readonly found: string }>({
  code: "CNN1015",
  severity: "error",
  title: "Not a step",
  message: ({ found }) => `${found} cannot begin a step`,
  explanation:
    "Between braces stand steps: a layer or a block, `concat`, `add`, `multiply`, `repeat`, `for`, `if`, or a chain of " +
    "them joined by `->`; and `let`, `head`, `error` and `from`.",
  failing: "model Net {\n  input 4\n  linear(3), relu\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n  relu\n}\n",
});

export const argumentEquals = defineDiagnostic<{ readonly name: string }>({
  code: "CNN1016",
  severity: "error",
  title: "An argument named with `=`",
  message: ({ name }) => `the argument \`${name}\` is given with \`:\`, not \`=\``,
  explanation:
    "Arguments are written `kernel: 5`. `=` gives a parameter its default where a block or model is defined.",
  failing: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel = 3)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3)\n  flatten\n  linear(3)\n}\n",
});

export const defaultColon = defineDiagnostic<{ readonly name: string }>({
  code: "CNN1017",
  severity: "error",
  title: "A default given with `:`",
  message: ({ name }) => `the default of \`${name}\` is given with \`=\`, not \`:\``,
  explanation: "Where a model or block is defined, a parameter's default is written `stride = 1`.",
  failing: "model Net(classes: 10) {\n  input 4\n  linear(classes)\n}\n",
  mended: "model Net(classes = 10) {\n  input 4\n  linear(classes)\n}\n",
});

export const missingComma = defineDiagnostic<{ readonly between: string }>({
  code: "CNN1018",
  severity: "error",
  title: "A missing comma",
  message: ({ between }) => `expected \`,\` between two ${between}`,
  explanation: "Inside brackets a comma stands between any two parts; one after the last is allowed.",
  failing: "model Net {\n  input 1 x 8 x 8\n  conv(2 kernel: 3)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3)\n  flatten\n  linear(3)\n}\n",
});

export const ifValueWithoutElse = defineDiagnostic<NoParams>({
  code: "CNN1019",
  severity: "error",
  title: "An `if` without `else` as a value",
  message: () => "an `if` that stands for a value needs an `else`",
  explanation: "A step may be left out when the condition is false; a value may not.",
  failing: "let wide = true\nlet units = if wide { 64 }\nmodel Net {\n  input 4\n  linear(units)\n}\n",
  mended: "let wide = true\nlet units = if wide { 64 } else { 32 }\nmodel Net {\n  input 4\n  linear(units)\n}\n",
});

export const chainedComparison = defineDiagnostic<NoParams>({
  code: "CNN1020",
  severity: "error",
  title: "Comparisons in a row",
  message: () => "comparisons cannot stand in a row",
  explanation: "`a < b < c` would compare a truth value with a number. Join two comparisons with `and`.",
  failing: "model Net(a = 2) {\n  input 4\n  if 1 < a < 3 { relu }\n  linear(3)\n}\n",
  mended: "model Net(a = 2) {\n  input 4\n  if 1 < a and a < 3 { relu }\n  linear(3)\n}\n",
});

export const equalsInExpression = defineDiagnostic<NoParams>({
  code: "CNN1021",
  severity: "error",
  title: "`=` where values are compared",
  message: () => "values are compared with `==`; `=` only gives a name its value",
  explanation: "`=` stands in `let` and in parameter defaults; a comparison is written `==`.",
  failing: "model Net(depth = 11) {\n  input 4\n  if depth = 11 { relu }\n  linear(3)\n}\n",
  mended: "model Net(depth = 11) {\n  input 4\n  if depth == 11 { relu }\n  linear(3)\n}\n",
});

export const recipePunctuation = defineDiagnostic<{ readonly key: string; readonly sign: string }>({
  code: "CNN1022",
  severity: "error",
  title: "A sign too many in a recipe",
  message: ({ key, sign }) => `no \`${sign}\` belongs after \`${key}\` in a recipe`,
  explanation: "A line of a recipe is its word and its value with nothing between: `batch 128`. Lines need no commas.",
  failing:
    'model Net {\n  input 4\n  linear(3)\n}\ntrain Net {\n  data arrays("x.npy", "y.npy")\n  optimizer sgd(lr: 0.1)\n  batch: 128\n}\n',
  mended:
    'model Net {\n  input 4\n  linear(3)\n}\ntrain Net {\n  data arrays("x.npy", "y.npy")\n  optimizer sgd(lr: 0.1)\n  batch 128\n}\n',
});

export const patternWithoutBrackets = defineDiagnostic<NoParams>({
  code: "CNN1023",
  severity: "error",
  title: "Several names without brackets",
  message: () => "names that take a tuple apart stand in brackets",
  explanation: "A tuple is taken apart by names in brackets: `for (n, c) in …`, `let (a, b) = …`.",
  failing: "model Net {\n  input 4\n  for n, c in ((1, 8), (2, 16)) { linear(c) }\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  for (n, c) in ((1, 8), (2, 16)) { linear(n * c) }\n  linear(3)\n}\n",
});

export const bareIn = defineDiagnostic<NoParams>({
  code: "CNN1024",
  severity: "error",
  title: "`in` without a member",
  message: () => "`in` as a value needs one of its members",
  explanation: "The shape that arrives is asked for by `in.channels`, `in.height`, `in.width` or `in.features`.",
  failing: "model Net {\n  input 4\n  linear(in)\n}\n",
  mended: "model Net {\n  input 4\n  linear(in.features)\n}\n",
});

export const importNotFound = defineDiagnostic<{ readonly path: string }>({
  code: "CNN1025",
  severity: "error",
  title: "An import that cannot be read",
  message: ({ path }) => `there is no file ${path}`,
  explanation: "An import's path is taken from the folder of the file that imports.",
  failing: 'import "./nowhere.cnn"\nmodel Net {\n  input 4\n  linear(3)\n}\n',
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const importCycle = defineDiagnostic<{ readonly path: string }>({
  code: "CNN1026",
  severity: "error",
  title: "Files that import each other",
  message: ({ path }) => `${path} imports itself`,
  explanation: "A file may not be reached again from its own imports. Move what both need to a third file.",
  failing: 'import "./example.cnn"\nmodel Net {\n  input 4\n  linear(3)\n}\n',
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});
