/** CNN3xxx, continued: what the layers' own shape rules report. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";

const train = `train M { data fashion_mnist  optimizer sgd(lr: 0.1) }`;

function model(...steps: readonly string[]): string {
  return `model M {\n  input 1 x 28 x 28\n${steps.map((step) => `  ${step}\n`).join("")}}\n\n${train}\n`;
}

export const kernelDoesNotFit = defineDiagnostic<{ kernel: string; input: string; padding: string | undefined }>({
  code: "CNN3004",
  severity: "error",
  title: "The kernel is larger than its input",
  message: ({ kernel, input, padding }) =>
    `kernel ${kernel} does not fit its input of ${input}${padding === undefined ? "" : ` with padding ${padding}`}`,
  explanation:
    "A window (of the kernel's size, its dilation included) must fit at least once into the image with its padding. " +
    "Images shrink with every convolution without padding and with every pooling; `cnnc summary` shows where.",
  failing: model("max_pool(8)", "conv(8, kernel: 5)", "flatten -> linear(10)"),
  mended: model("max_pool(8)", "conv(8, kernel: 3)", "flatten -> linear(10)"),
});

export const samePaddingNeedsStrideOne = defineDiagnostic<{ layer: string; stride: string }>({
  code: "CNN3020",
  severity: "error",
  title: "`padding: same` with a stride",
  message: ({ layer, stride }) => `${layer} cannot keep its input's size with stride ${stride}: same means stride 1`,
  explanation:
    "`padding: same` keeps height and width, which only stride 1 can do. With a larger stride, write the padding as a " +
    "number: half the kernel is usual.",
  failing: model("conv(8, kernel: 3, stride: 2, padding: same)", "flatten -> linear(10)"),
  mended: model("conv(8, kernel: 3, stride: 2, padding: 1)", "flatten -> linear(10)"),
});

export const samePaddingNeedsOddKernel = defineDiagnostic<{ layer: string; kernel: string }>({
  code: "CNN3021",
  severity: "error",
  title: "`padding: same` with an even kernel",
  message: ({ layer, kernel }) => `${layer} cannot pad evenly for kernel ${kernel}: same needs odd sizes`,
  explanation:
    "Padding is the same on both sides. To keep the size, a kernel of size k with dilation d needs d * (k - 1) / 2 on " +
    "each, which is a whole number for every odd kernel.",
  failing: model("conv(8, kernel: 4, padding: same)", "flatten -> linear(10)"),
  mended: model("conv(8, kernel: 5, padding: same)", "flatten -> linear(10)"),
});

export const groupsDoNotDivide = defineDiagnostic<{
  layer: string;
  groups: number;
  channels: number;
  which: "input" | "output";
}>({
  code: "CNN3022",
  severity: "error",
  title: "Channels that groups do not divide",
  message: ({ layer, groups, channels, which }) =>
    `${layer} has ${channels} ${which} channels, which ${groups} groups do not divide evenly`,
  explanation: "Every group takes the same number of channels, so the number of groups must divide the channels.",
  failing: model("conv(8, kernel: 3)", "conv(8, kernel: 3, groups: 3)", "flatten -> linear(10)"),
  mended: model("conv(8, kernel: 3)", "conv(8, kernel: 3, groups: 4)", "flatten -> linear(10)"),
});

export const poolPaddingTooLarge = defineDiagnostic<{ layer: string; padding: string; kernel: string }>({
  code: "CNN3023",
  severity: "error",
  title: "Padding of a pool beyond half its kernel",
  message: ({ layer, padding, kernel }) =>
    `${layer} with kernel ${kernel} takes padding up to half of it, not ${padding}`,
  explanation:
    "With more padding than half the kernel, a window could lie in the padding alone, where there is nothing.",
  failing: model("max_pool(3, padding: 2)", "flatten -> linear(10)"),
  mended: model("max_pool(3, padding: 1)", "flatten -> linear(10)"),
});

export const layerShapeMismatch = defineDiagnostic<{ shape: string; wanted: number; input: string; found: number }>({
  code: "CNN3024",
  severity: "error",
  title: "A reshape to another number of elements",
  message: ({ shape, wanted, input, found }) =>
    `reshape to ${shape} needs ${wanted} elements, but its input of ${input} has ${found}`,
  explanation: "`reshape` keeps the elements and their order; only the sizes they are counted in change.",
  failing: model("flatten -> reshape(2, 14, 14)", "flatten -> linear(10)"),
  mended: model("flatten -> reshape(4, 14, 14)", "flatten -> linear(10)"),
});

export const sliceOutOfRange = defineDiagnostic<{ from: number; to: number; channels: number }>({
  code: "CNN3025",
  severity: "error",
  title: "A slice outside the channels",
  message: ({ from, to, channels }) => `slice from ${from} to ${to} does not lie within ${channels} channels`,
  explanation: "`slice(from, to)` keeps channels `from` up to, not including, `to`; both lie within the input.",
  failing: model("conv(8, kernel: 3)", "slice(4, 12)", "flatten -> linear(10)"),
  mended: model("conv(8, kernel: 3)", "slice(4, 8)", "flatten -> linear(10)"),
});

export const parametersDoNotMatch = defineDiagnostic<{ layer: string; parameters: number; channels: number }>({
  code: "CNN3026",
  severity: "error",
  title: "Slopes that fit neither one nor every channel",
  message: ({ layer, parameters, channels }) =>
    `${layer} learns ${parameters} slopes, but its input has ${channels} channels`,
  explanation: "`prelu` learns one slope for all channels, or one a channel.",
  failing: model("conv(8, kernel: 3) -> prelu(4)", "flatten -> linear(10)"),
  mended: model("conv(8, kernel: 3) -> prelu(8)", "flatten -> linear(10)"),
});
