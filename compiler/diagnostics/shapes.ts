/** CNN3xxx: shapes. Only catalogue entries are exported from here. */
import { defineDiagnostic, type NoParams } from "./defineDiagnostic.ts";

export const needsImage = defineDiagnostic<{ readonly layer: string; readonly found: string }>({
  code: "CNN3001",
  severity: "error",
  title: "An image was expected",
  message: ({ layer, found }) => `${layer} expects channels x height x width, found ${found}`,
  explanation:
    "Convolutions, pools and the other layers of images take channels x height x width; after `flatten` or `linear` " +
    "there are only features.",
  failing: "model Net {\n  input 1 x 8 x 8\n  flatten\n  conv(2, kernel: 3)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3)\n  flatten\n  linear(3)\n}\n",
});

export const needsFlatten = defineDiagnostic<{ readonly layer: string; readonly found: string }>({
  code: "CNN3002",
  severity: "error",
  title: "A vector was expected",
  message: ({ layer, found }) => `${layer} expects a vector of features, found ${found}`,
  explanation: "`linear` weighs a vector of features. `flatten` makes one of channels x height x width.",
  failing: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3)\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3)\n  flatten\n  linear(3)\n}\n",
});

export const outputNotLogits = defineDiagnostic<{ readonly what: string; readonly found: string }>({
  code: "CNN3003",
  severity: "error",
  title: "An output that is no vector of logits",
  message: ({ what, found }) => `${what} ends with ${found}, not with a vector of logits`,
  explanation:
    "A classifier ends with one number a class: the value after the last step of a model or of a head is a vector. " +
    "Global pools leave C x 1 x 1, which `flatten` turns into C features.",
  failing: "model Net {\n  input 1 x 8 x 8\n  conv(3, kernel: 3) -> global_avg_pool\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  conv(3, kernel: 3) -> global_avg_pool -> flatten\n}\n",
});

export const kernelDoesNotFit = defineDiagnostic<{ readonly kernel: string; readonly found: string }>({
  code: "CNN3004",
  severity: "error",
  title: "A kernel larger than its input",
  message: ({ kernel, found }) => `kernel ${kernel} does not fit its input of ${found}`,
  explanation:
    "A window must fit into the input with its padding at least once; a dilated kernel of size k reaches over " +
    "dilation * (k - 1) + 1 positions.",
  failing: "model Net {\n  input 1 x 4 x 4\n  conv(2, kernel: 5)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 4 x 4\n  conv(2, kernel: 5, padding: 2)\n  flatten\n  linear(3)\n}\n",
});

export const groupsDoNotDivide = defineDiagnostic<{
  readonly groups: number;
  readonly channels: number;
  readonly which: string;
}>({
  code: "CNN3005",
  severity: "error",
  title: "Channels that groups do not divide",
  message: ({ groups, channels, which }) => `${groups} groups do not divide ${channels} ${which} evenly`,
  explanation: "Each group takes the same number of channels, so the number of channels is a multiple of `groups`.",
  failing: "model Net {\n  input 3 x 8 x 8\n  conv(4, kernel: 3, groups: 2)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4 x 8 x 8\n  conv(4, kernel: 3, groups: 2)\n  flatten\n  linear(3)\n}\n",
});

export const concatSizes = defineDiagnostic<{
  readonly branch: number;
  readonly found: string;
  readonly first: string;
  readonly vectors: boolean;
}>({
  code: "CNN3006",
  severity: "error",
  title: "Branches that cannot be joined along channels",
  message: ({ branch, found, first, vectors }) =>
    `branch ${branch} of this concat gives ${found}, but branch 1 gives ${first}` +
    (vectors ? "" : ": height and width must agree"),
  explanation:
    "`concat` sets the channels of its branches one after another, so height and width are the same in all. Vectors " +
    "are joined with vectors only.",
  failing:
    "model Net {\n  input 1 x 8 x 8\n  concat {\n    branch { conv(2, kernel: 3) }\n    branch { conv(2, kernel: 5) }\n  }\n  flatten\n  linear(3)\n}\n",
  mended:
    "model Net {\n  input 1 x 8 x 8\n  concat {\n    branch { conv(2, kernel: 3, padding: 1) }\n    branch { conv(2, kernel: 5, padding: 2) }\n  }\n  flatten\n  linear(3)\n}\n",
});

export const addShapes = defineDiagnostic<{ readonly branch: number; readonly found: string; readonly first: string }>({
  code: "CNN3007",
  severity: "error",
  title: "Branches of different shapes are added",
  message: ({ branch, found, first }) => `branch ${branch} of this add gives ${found}, but branch 1 gives ${first}`,
  explanation:
    "`add` works element by element on equal shapes. A shortcut around layers that change channels or size needs a " +
    "1x1 convolution with the same stride.",
  failing:
    "model Net {\n  input 1 x 8 x 8\n  add {\n    branch { conv(2, kernel: 3, padding: 1) }\n    branch { }\n  }\n  flatten\n  linear(3)\n}\n",
  mended:
    "model Net {\n  input 1 x 8 x 8\n  add {\n    branch { conv(2, kernel: 3, padding: 1) }\n    branch { conv(2, kernel: 1) }\n  }\n  flatten\n  linear(3)\n}\n",
});

export const multiplyShapes = defineDiagnostic<{
  readonly branch: number;
  readonly found: string;
  readonly first: string;
}>({
  code: "CNN3008",
  severity: "error",
  title: "Branches that cannot be multiplied",
  message: ({ branch, found, first }) =>
    `branch ${branch} of this multiply gives ${found}, which neither equals ${first} nor spreads over it`,
  explanation:
    "`multiply` works element by element on equal shapes; a branch of C x 1 x 1 is spread over height and width of the " +
    "others, with the same C.",
  failing:
    "model Net {\n  input 2 x 8 x 8\n  multiply {\n    branch { }\n    branch { global_avg_pool -> conv(4, kernel: 1) -> sigmoid }\n  }\n  flatten\n  linear(3)\n}\n",
  mended:
    "model Net {\n  input 2 x 8 x 8\n  multiply {\n    branch { }\n    branch { global_avg_pool -> conv(2, kernel: 1) -> sigmoid }\n  }\n  flatten\n  linear(3)\n}\n",
});

export const inputShape = defineDiagnostic<{ readonly count: number }>({
  code: "CNN3009",
  severity: "error",
  title: "An input that is neither an image nor a vector",
  message: ({ count }) => `an input has 1 size (features) or 3 (channels x height x width), found ${count}`,
  explanation: "`input 784` is a vector of features, `input 3 x 32 x 32` an image. The batch is implicit.",
  failing: "model Net {\n  input 28 x 28\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 28 x 28\n  flatten\n  linear(3)\n}\n",
});

export const samePadding = defineDiagnostic<{ readonly stride: string }>({
  code: "CNN3010",
  severity: "error",
  title: "Padding `same` beside a stride",
  message: ({ stride }) => `padding: same keeps the size, which stride ${stride} does not`,
  explanation:
    "`padding: same` adds as many zeros as keep the size at stride 1, dilation * (kernel - 1): half of them on each side, and of " +
    "an odd number one more at the end.",
  failing:
    "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3, stride: 2, padding: same)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  conv(2, kernel: 3, stride: 2, padding: 1)\n  flatten\n  linear(3)\n}\n",
});

export const poolPadding = defineDiagnostic<{ readonly padding: string; readonly kernel: string }>({
  code: "CNN3011",
  severity: "error",
  title: "A pool padded by more than half its kernel",
  message: ({ padding, kernel }) => `padding ${padding} is more than half of kernel ${kernel}`,
  explanation: "A window that lies in the padding alone has no value, so a pool's padding is at most half its kernel.",
  failing: "model Net {\n  input 1 x 8 x 8\n  max_pool(2, padding: 2)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  max_pool(2, padding: 1)\n  flatten\n  linear(3)\n}\n",
});

export const reshapeCount = defineDiagnostic<{
  readonly found: string;
  readonly foundCount: number;
  readonly wanted: string;
  readonly wantedCount: number;
}>({
  code: "CNN3012",
  severity: "error",
  title: "A reshape that changes the number of elements",
  message: ({ found, foundCount, wanted, wantedCount }) =>
    `${found} has ${foundCount} elements, but ${wanted} has ${wantedCount}`,
  explanation: "`reshape` keeps the elements and their order, so the products of the sizes are equal.",
  failing: "model Net {\n  input 16\n  reshape(1, 4, 5)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 16\n  reshape(1, 4, 4)\n  flatten\n  linear(3)\n}\n",
});

export const sliceRange = defineDiagnostic<{ readonly from: number; readonly to: number; readonly channels: number }>({
  code: "CNN3013",
  severity: "error",
  title: "A slice outside the channels",
  message: ({ from, to, channels }) => `there are no channels ${from} up to ${to}: the input has ${channels}`,
  explanation: "`slice(from, to)` keeps channels `from` up to, not including, `to`, counted from 0.",
  failing: "model Net {\n  input 4 x 8 x 8\n  slice(2, 6)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4 x 8 x 8\n  slice(2, 4)\n  flatten\n  linear(3)\n}\n",
});

export const tooManyElements = defineDiagnostic<{ readonly what: string; readonly shape: string }>({
  code: "CNN3014",
  severity: "error",
  title: "A tensor too large to index",
  message: ({ what, shape }) => `${what} of ${shape} has more than 2147483647 elements`,
  explanation: "Kernels count elements with 32 bits. Pool earlier, or flatten a smaller image before `linear`.",
  failing: "model Net {\n  input 3 x 99999 x 99999\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 3 x 99 x 99\n  flatten\n  linear(3)\n}\n",
});

export const headClasses = defineDiagnostic<{
  readonly head: string;
  readonly found: number;
  readonly classes: number;
}>({
  code: "CNN3015",
  severity: "error",
  title: "A head with another number of classes",
  message: ({ head, found, classes }) => `head ${head} ends with ${found} logits, the model with ${classes}`,
  explanation: "Every head is trained on the same labels, so all end with the same number of logits.",
  failing: "model Net {\n  input 8\n  linear(8) -> relu\n  head aux weight 0.3 { linear(4) }\n  linear(3)\n}\n",
  mended: "model Net {\n  input 8\n  linear(8) -> relu\n  head aux weight 0.3 { linear(3) }\n  linear(3)\n}\n",
});

export const unknownShapeMember = defineDiagnostic<{
  readonly what: string;
  readonly member: string;
  readonly shape: string;
}>({
  code: "CNN3016",
  severity: "error",
  title: "A size that this shape does not have",
  message: ({ what, member, shape }) => `${what} is ${shape} and has no ${member}`,
  explanation: "An image has `channels`, `height` and `width`; a vector has `features`.",
  failing: "model Net {\n  input 1 x 8 x 8\n  linear(in.features)\n}\n",
  mended: "model Net {\n  input 1 x 8 x 8\n  flatten\n  linear(in.features)\n}\n",
});

export const noModelInput = defineDiagnostic<NoParams>({
  code: "CNN3017",
  severity: "error",
  title: "No value arrives",
  message: () => "nothing arrives at this step: the model has no `input` above it",
  explanation: "A model says first what it takes: `input 1 x 28 x 28`. Only `let`, `if` and `error` may stand before.",
  failing: "model Net {\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4\n  linear(3)\n}\n",
});

export const slopeCount = defineDiagnostic<{ readonly slopes: number; readonly channels: number }>({
  code: "CNN3019",
  severity: "error",
  title: "Slopes for neither one nor every channel",
  message: ({ slopes, channels }) => `${slopes} slopes do not fit ${channels} channels`,
  explanation: "`prelu` learns one slope for all channels (the default), or one for each.",
  failing: "model Net {\n  input 4 x 8 x 8\n  prelu(3)\n  flatten\n  linear(3)\n}\n",
  mended: "model Net {\n  input 4 x 8 x 8\n  prelu(4)\n  flatten\n  linear(3)\n}\n",
});
