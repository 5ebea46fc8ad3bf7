/**
 * Channel shuffle (ShuffleNet): channels seen as groups x members are put in members x groups order.
 *
 *   y[n, c] = x[n, (c mod g) * (C/g) + c div g];  the inverse is the shuffle with C/g groups
 */
import { problem } from "../diagnostics/problem.ts";
import { groupsDoNotDivide } from "../diagnostics/shapes.ts";
import { iadd, idiv, imod, imul, load, map } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import { defineLayer, defineOp, inputType, numberAttr } from "./defineOp.ts";

export const channelShuffleLayer = defineLayer({
  name: "channel_shuffle",
  doc: "Mixes the channels of groups, so that the next grouped convolution sees all of them.",
  expects: "image",
  compiled: true,
  arguments: [{ name: "groups", type: "integer", min: 1, doc: "groups of channels" }],
  check(type, args) {
    const [groups, channels] = [numberAttr(args, "groups"), type.shape[0] as number];
    if (channels % groups === 0) return undefined;
    return problem(groupsDoNotDivide, { groups, channels, which: "input channels" }, { argument: "groups" });
  },
  build({ args, x, type, node }) {
    const groups = numberAttr(args, "groups");
    // One group, or groups of one channel, stay in their order.
    return groups === 1 || groups === type.shape[0] ? x : node("channel_shuffle", { x }, { groups });
  },
});

export const channelShuffle = defineOp({
  name: "channel_shuffle",
  doc: "Channels of groups x members in members x groups order.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const [n, c, ...space] = axes as [Axis, Axis, ...Axis[]];
    const groups = numberAttr(attrs, "groups");
    const members = (inputType(types, "x").shape[0] as number) / groups;
    return map(axes, load("x", [n, iadd(imul(imod(c, groups), members), idiv(c, groups)), ...space]));
  },
  gradient({ types, attrs, upstream, build }) {
    const channels = inputType(types, "x").shape[0] as number;
    return { x: build("channel_shuffle", { x: upstream }, { groups: channels / numberAttr(attrs, "groups") }) };
  },
});
