/** Depthwise convolution: `conv` with a group for every input channel. */
import type { Attrs, TensorType } from "../ir/graph.ts";
import { checkConv, convArguments, convLayer } from "./conv.ts";
import { defineLayer, imageSizes, numberAttr } from "./defineOp.ts";

/** The arguments of the convolution that it is. */
function asConv(type: TensorType, args: Attrs): Attrs {
  const [channels] = imageSizes(type);
  const { multiplier: _multiplier, ...rest } = args;
  return { ...rest, channels: channels * numberAttr(args, "multiplier"), groups: channels };
}

export const depthwiseConvLayer = defineLayer({
  name: "depthwise_conv",
  doc: "Convolves every channel by itself, `multiplier` times.",
  expects: "image",
  compiled: true,
  arguments: [
    ...convArguments.filter(({ name }) => ["kernel", "stride", "padding", "dilation"].includes(name)),
    { name: "multiplier", type: "integer", min: 1, default: 1, doc: "output channels for every input channel" },
    ...convArguments.filter(({ name }) => name === "bias"),
  ],
  check(type, args) {
    const conv = asConv(type, args);
    return checkConv(type, conv, numberAttr(conv, "channels"), numberAttr(conv, "groups"));
  },
  build: (context) => convLayer.build({ ...context, args: asConv(context.type, context.args) }),
});
