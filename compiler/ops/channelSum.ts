/**
 * The gradient of a bias: the upstream gradient summed over everything but the channels. It runs over the same axes in
 * the same order as the layer's weight gradient, so that both can come from one loop.
 *
 *   db[o] = sum over n,i,j of dy[n,o,i,j]
 */
import { load, reduce } from "../ir/expression.ts";
import { channelReduction, defineOp, inputType, plainType } from "./defineOp.ts";

export const channelSum = defineOp({
  name: "channel_sum",
  doc: "Sum over the batch and every position, one value a channel.",
  inputs: ["x"],
  inferType: (types) => plainType([inputType(types, "x").shape[0] as number]),
  compute({ types, batchAxis }) {
    const { channel, over, at } = channelReduction(inputType(types, "x"), batchAxis);
    return reduce([channel], over, "sum", load("x", at));
  },
});
