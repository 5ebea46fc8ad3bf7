/**
 * Convolution (cross-correlation), its gradients, and the layer `conv`.
 *
 *   y[n,o,i,j]  = b[o] + sum over c,u,v of x[n, g*C + c, i*s + u*d - p, j*s + v*d - p] * w[o,c,u,v],  g = o div O
 *   dx[n,c,y,x] = sum over o,u,v of dy[n, o, (y + p - u*d)/s, (x + p - v*d)/s] * w[o, c, u, v]  where s divides exactly
 *   dw[o,c,u,v] = sum over n,i,j of dy[n,o,i,j] * x[n, g*C + c, i*s + u*d - p, j*s + v*d - p]
 *
 * where C and O are input and output channels a group. Outside the image x is 0.
 */
import { problem } from "../diagnostics/problem.ts";
import { groupsDoNotDivide, samePadding } from "../diagnostics/shapes.ts";
import type { Problem } from "../ir/diagnostic.ts";
import {
  add, all, axis, compareIndex, iadd, idiv, imod, imul, isub, load, mul, reduce, reduced, select,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, Condition, IndexExpr, IndexLike, ScalarExpr } from "../ir/expression.ts";
import type { Attrs, TensorType } from "../ir/graph.ts";
import type { LayerArgument } from "./defineOp.ts";
import {
  batchedType,
  defineLayer,
  defineOp,
  imageSizes,
  inputType,
  inputValue,
  listAttr,
  numberAttr,
  pairAttr,
} from "./defineOp.ts";
import { checkWindow, formatPair, windowOutputSize } from "./window.ts";

/** Sizes that the three ops share, taken from attributes and types. */
interface ConvGeometry {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  /** How much more zeros stand after the last row and column than before the first: 1 for `same` around an even kernel. */
  readonly excess: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

function geometryOf(attrs: Attrs): ConvGeometry {
  return {
    kernel: pairAttr(attrs, "kernel"),
    stride: pairAttr(attrs, "stride"),
    padding: pairAttr(attrs, "padding"),
    excess: attrs["excess"] === undefined ? [0, 0] : pairAttr(attrs, "excess"),
    dilation: pairAttr(attrs, "dilation"),
    groups: numberAttr(attrs, "groups"),
  };
}

/** Where output position `at` and kernel tap `tap` read the input along one dimension. */
function inputPosition(at: IndexLike, tap: IndexLike, stride: number, dilation: number, padding: number): IndexExpr {
  return iadd(imul(at, stride), imul(tap, dilation), -padding);
}

/** The element of x under an output position and a tap; 0 in the padding. */
function inputUnder(
  geometry: ConvGeometry,
  n: IndexLike,
  channel: IndexLike,
  at: readonly [IndexLike, IndexLike],
  tap: readonly [IndexLike, IndexLike],
): ScalarExpr {
  const { stride, dilation, padding, excess } = geometry;
  const y = inputPosition(at[0], tap[0], stride[0], dilation[0], padding[0]);
  const x = inputPosition(at[1], tap[1], stride[1], dilation[1], padding[1]);
  const padded = [...padding, ...excess].some((zeros) => zeros > 0);
  return load("x", [n, channel, y, x], padded ? 0 : undefined);
}

/** Input channel `within` of the group that output channel `out` belongs to. */
function groupedChannel(
  out: IndexLike,
  within: IndexLike,
  outPerGroup: number,
  inPerGroup: number,
  groups: number,
): IndexExpr {
  if (groups === 1) return iadd(within);
  return iadd(imul(idiv(out, outPerGroup), inPerGroup), within);
}

/**
 * The padding in numbers. `same` keeps the size at stride 1; where its zeros cannot be shared out evenly, the last row or column
 * gets one more, as in PyTorch.
 */
function paddingOf(args: Attrs): Pick<ConvGeometry, "padding" | "excess"> {
  if (args["padding"] !== "same") return { padding: pairAttr(args, "padding"), excess: [0, 0] };
  const [kernel, dilation] = [pairAttr(args, "kernel"), pairAttr(args, "dilation")];
  const zeros = [(kernel[0] - 1) * dilation[0], (kernel[1] - 1) * dilation[1]] as const;
  return { padding: [zeros[0] >> 1, zeros[1] >> 1], excess: [zeros[0] % 2, zeros[1] % 2] };
}

/** What is wrong with a convolution's arguments for this input; undefined when nothing is. */
export function checkConv(type: TensorType, args: Attrs, channels: number, groups: number): Problem | undefined {
  const [inChannels] = imageSizes(type);
  const undivided = inChannels % groups !== 0 ? "input" : channels % groups !== 0 ? "output" : undefined;
  if (undivided !== undefined) {
    const params = { groups, channels: undivided === "input" ? inChannels : channels, which: `${undivided} channels` };
    return problem(groupsDoNotDivide, params, { argument: "groups" });
  }
  return args["padding"] === "same" ? checkSamePadding(args) : checkWindow(type, args);
}

/** `same` keeps the size, which needs stride 1. */
function checkSamePadding(args: Attrs): Problem | undefined {
  const stride = pairAttr(args, "stride");
  if (stride[0] === 1 && stride[1] === 1) return undefined;
  const { padding: half } = paddingOf(args);
  return problem(
    samePadding,
    { stride: formatPair(stride) },
    {
      argument: "padding",
      help: `padding: ${half[0] === half[1] ? half[0] : `(${half.join(", ")})`} is half the kernel`,
    },
  );
}

export const convArguments: readonly LayerArgument[] = [
  { name: "channels", type: "integer", min: 1, doc: "output channels" },
  { name: "kernel", type: "size", min: 1, doc: "height and width of the kernel" },
  { name: "stride", type: "size", min: 1, default: [1, 1], doc: "step between output positions" },
  {
    name: "padding",
    type: "sizeOrWord",
    min: 0,
    default: [0, 0],
    words: ["same"],
    doc: "zeros added on each side, or `same` to keep the size at stride 1",
  },
  { name: "dilation", type: "size", min: 1, default: [1, 1], doc: "step between kernel taps" },
  { name: "groups", type: "integer", min: 1, default: 1, doc: "groups of channels convolved apart" },
  { name: "bias", type: "boolean", default: true, doc: "whether to add a bias a channel" },
];

export const convLayer = defineLayer({
  name: "conv",
  doc: "2-d convolution with a bias: channels x height x width in, `channels` x height x width out.",
  expects: "image",
  compiled: true,
  arguments: convArguments,
  check: (type, args) => checkConv(type, args, numberAttr(args, "channels"), numberAttr(args, "groups")),
  build({ args, x, type, parameter, node }) {
    const [inChannels] = imageSizes(type);
    const { kernel, stride, dilation, groups } = geometryOf({ ...args, padding: [0, 0] });
    const channels = numberAttr(args, "channels");
    const { padding, excess } = paddingOf(args);
    const taps = kernel[0] * kernel[1];
    const fanIn = (inChannels / groups) * taps;
    const weight = parameter("weight", "weight", [channels, inChannels / groups, ...kernel], fanIn, channels * taps);
    const inputs =
      args["bias"] === true
        ? { x, weight, bias: parameter("bias", "bias", [channels], fanIn, channels) }
        : { x, weight };
    const isEven = excess[0] === 0 && excess[1] === 0;
    return node("conv", inputs, { kernel, stride, padding, ...(!isEven && { excess }), dilation, groups });
  },
});

export const conv = defineOp({
  name: "conv",
  doc: "2-d convolution, with a bias where there is one.",
  inputs: ["x", "weight", "bias"],
  inferType({ x, weight }, attrs): TensorType {
    const [, height, width] = imageSizes(x as TensorType);
    const { kernel, stride, padding, excess, dilation } = geometryOf(attrs);
    const size = (n: number, i: 0 | 1): number =>
      windowOutputSize(n + excess[i], kernel[i], stride[i], padding[i], dilation[i], false);
    return {
      shape: [(weight as TensorType).shape[0] as number, size(height, 0), size(width, 1)],
      batched: true,
      dtype: "f32",
    };
  },
  compute({ types, attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const [outChannels, inPerGroup, kernelHeight, kernelWidth] = inputType(types, "weight").shape as [
      number,
      number,
      number,
      number,
    ];
    const geometry = geometryOf(attrs);
    const [ic, ky, kx] = [axis("ic", inPerGroup), axis("ky", kernelHeight), axis("kx", kernelWidth)];
    const channel = groupedChannel(c, ic, outChannels / geometry.groups, inPerGroup, geometry.groups);
    const product = mul(inputUnder(geometry, n, channel, [y, x], [ky, kx]), load("weight", [c, ic, ky, kx]));
    const finish = types["bias"] === undefined ? reduced : add(reduced, load("bias", [c]));
    return reduce(axes, [ic, ky, kx], "sum", product, finish);
  },
  gradient({ inputs, types, upstream, attrs, needs, build }) {
    const shared = { ...attrs, inputShape: inputType(types, "x").shape };
    return {
      ...(needs("weight") && {
        weight: build("conv_weight_gradient", { upstream, x: inputValue(inputs, "x") }, shared),
      }),
      ...(inputs["bias"] !== undefined && needs("bias") && { bias: build("channel_sum", { x: upstream }) }),
      // Last: what activated the input can then be overwritten by its gradient.
      ...(needs("x") && {
        x: build("conv_input_gradient", { upstream, weight: inputValue(inputs, "weight") }, shared),
      }),
    };
  },
});

export const convInputGradient = defineOp({
  name: "conv_input_gradient",
  doc: "Gradient of a convolution with respect to its input.",
  inputs: ["upstream", "weight"],
  inferType: (_types, attrs) => batchedType(listAttr(attrs, "inputShape")),
  compute({ types, attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const { groups, stride, padding, dilation } = geometryOf(attrs);
    const [outChannels, inPerGroup, kernelHeight, kernelWidth] = inputType(types, "weight").shape as [
      number,
      number,
      number,
      number,
    ];
    const outPerGroup = outChannels / groups;
    const [oc, ky, kx] = [axis("oc", outPerGroup), axis("ky", kernelHeight), axis("kx", kernelWidth)];
    const out = groups === 1 ? iadd(oc) : iadd(imul(idiv(c, inPerGroup), outPerGroup), oc);
    const within = groups === 1 ? iadd(c) : imod(c, inPerGroup);
    const scaled = [
      isub(iadd(y, padding[0]), imul(ky, dilation[0])),
      isub(iadd(x, padding[1]), imul(kx, dilation[1])),
    ] as const;
    const at = scaled.map((position, i) => ((stride[i] ?? 1) === 1 ? position : idiv(position, stride[i] ?? 1)));
    const value = load("upstream", [n, out, ...at], 0);
    const exact: Condition[] = scaled.flatMap((position, i) =>
      (stride[i] ?? 1) === 1 ? [] : [compareIndex("eq", imod(position, stride[i] ?? 1), 0)],
    );
    const aligned = exact.length === 0 ? value : select(all(...exact), value, 0);
    return reduce(axes, [oc, ky, kx], "sum", mul(aligned, load("weight", [out, within, ky, kx])));
  },
});

export const convWeightGradient = defineOp({
  name: "conv_weight_gradient",
  doc: "Gradient of a convolution with respect to its weight.",
  inputs: ["upstream", "x"],
  inferType({ upstream }, attrs): TensorType {
    const { kernel, groups } = geometryOf(attrs);
    const [inChannels] = attrs["inputShape"] as readonly number[];
    return {
      shape: [(upstream as TensorType).shape[0] as number, (inChannels as number) / groups, ...kernel],
      batched: false,
      dtype: "f32",
    };
  },
  compute({ types, output, attrs, batchAxis }) {
    const [outChannels, inPerGroup, kernelHeight, kernelWidth] = output.shape as [number, number, number, number];
    const [, height, width] = imageSizes(inputType(types, "upstream"));
    const geometry = geometryOf(attrs);
    const [oc, ic, ky, kx] = [
      axis("oc", outChannels),
      axis("ic", inPerGroup),
      axis("ky", kernelHeight),
      axis("kx", kernelWidth),
    ];
    const [oy, ox] = [axis("oy", height), axis("ox", width)];
    const channel = groupedChannel(oc, ic, outChannels / geometry.groups, inPerGroup, geometry.groups);
    const product = mul(
      load("upstream", [batchAxis, oc, oy, ox]),
      inputUnder(geometry, batchAxis, channel, [oy, ox], [ky, kx]),
    );
    return reduce([oc, ic, ky, kx], [batchAxis, oy, ox], "sum", product);
  },
});
