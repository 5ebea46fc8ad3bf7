/** Where what layers join lies: equal layers of a dense block are equal kernels, and its gradient adds up in one place. */
import { describe, expect, test } from "@jest/globals";
import { addInPlace } from "../../../compiler/4-fuse/addInPlace.ts";
import { add, iadd, load, map, mul } from "../../../compiler/ir/expression.ts";
import type { ScalarExpr } from "../../../compiler/ir/expression.ts";
import { valueId } from "../../../compiler/ir/graph.ts";
import type { ProgramNode } from "../../../compiler/ir/program.ts";
import { batchedType } from "../../../compiler/ops/defineOp.ts";
import { compileText } from "../../support/compileText.ts";
import type { TrainableNetwork } from "../../support/compileText.ts";
import { storageIn } from "../../../compiler/ir/kernel.ts";
import { networkText } from "../../support/randomSpec.ts";

/** Three layers of two channels each behind four channels of 8 x 8 positions: 256 bytes, where every binding may begin. */
const dense = networkText(
  "2 x 8 x 8",
  "conv(4, kernel: 1) -> dense_block(3, 2, width: 2) -> batch_norm -> relu\nglobal_avg_pool -> flatten -> linear(3)",
);

/** Kernels whose first stage is this op and writes, or reads, images of 3 x 3 filters; by their texts. */
function pipelinesOf({ plan, training: { kernels } }: TrainableNetwork, op: string): number {
  const found = kernels.kernels.flatMap(({ stages: [root] }, index) => {
    const has3x3 =
      root?.computation.body.kind === "reduce" && root.computation.body.over.some(({ extent }) => extent === 3);
    const isFilter = root?.computation.axes.slice(-2).every(({ extent }) => extent === 3) === true;
    return root?.op === op && (has3x3 || isFilter) ? [plan.training?.dispatches[index]?.kernel] : [];
  });
  expect(found.length).toBe(3);
  return new Set(found).size;
}

describe("in a dense block", () => {
  const network = compileText(dense, { batch: 2 });

  test.each(["conv", "conv_weight_gradient", "conv_input_gradient"])(
    "its layers share the kernel of their %s",
    (op) => {
      expect(pipelinesOf(network, op)).toBe(1);
    },
  );

  test("gradients of its channels add up in one value, each in the kernel that has the last of them", () => {
    const added = network.training.kernels.kernels.filter(({ stages }) => stages.some(({ op }) => op === "add"));
    const places = added.flatMap(({ stages }) =>
      stages.flatMap(({ op, slice }) =>
        op === "add" && slice !== undefined ? [storageIn(network.training.kernels, slice.of)] : [],
      ),
    );
    expect(added.map(({ stages }) => stages[0]?.op)).toEqual(new Array(3).fill("batch_norm_input_gradient"));
    expect(new Set(places).size).toBe(1);
    expect(places.length).toBe(3);
  });

  test("a binding begins where its window does, at a multiple of 256 bytes, and ends with it", () => {
    const { kernels } = network.training;
    const windows = [...(kernels.windows ?? [])];
    expect(windows.length).toBeGreaterThan(3);
    for (const [value, { start, elements }] of windows) {
      expect((start * 4) % 256).toBe(0);
      const index = kernels.kernels.findIndex(({ stages }) => stages.some(({ slice }) => slice?.of === value));
      const place = network.training.memory.placeOf.get(storageIn(kernels, value));
      if (index < 0 || place === undefined) continue;
      const bound = network.plan.training?.dispatches[index]?.bindings.map(({ offset, size }) => [offset, size]);
      expect(bound).toContainEqual([place.offsetBytes + start * 4, Math.ceil(elements / 4) * 16]);
    }
  });
});

describe("a part that a node adds to", () => {
  const [n, c] = [{ name: "n", extent: 2, batch: true as const }, (extent: number) => ({ name: "i0", extent })];
  const origin = { span: { file: "", start: 0, end: 0 }, calls: [], path: "" } as unknown as ProgramNode["origin"];
  const node = (value: number, channels: number, computed: ScalarExpr): ProgramNode => ({
    value: valueId(value),
    op: "add",
    type: batchedType([channels]),
    computation: map([n, c(channels)], computed),
    origin,
    roles: new Map(),
  });
  const at = (value: number, channels: number, start = 0, fill?: number): ScalarExpr =>
    load(`%${value}`, [n, start === 0 ? c(channels) : iadd(c(channels), start)], fill);
  /** %0 is an input; %1, of eight channels, is read by %2, which adds six of them from `start` on, and by what is given. */
  const placeOf = (start: number, others: readonly ProgramNode[], keep: readonly number[] = []): unknown => {
    const whole = node(1, 8, mul(at(0, 8), 2));
    const nodes = [whole, node(2, 6, add(at(0, 6), at(1, 6, start))), ...others];
    const types = new Map(nodes.map(({ value, type }) => [value, type]));
    const program = { nodes, types, aliasOf: new Map(), sliceOf: new Map(), slabsOf: new Map() };
    return addInPlace(program, { batch: 2, keep: new Set(keep.map(valueId)) }).sliceOf.get(valueId(2));
  };

  test("is where its sum is computed", () => {
    expect(placeOf(0, [])).toEqual({ of: 1, starts: [0, 0] });
    expect(placeOf(2, [node(3, 2, mul(at(1, 2), 3))])).toEqual({ of: 1, starts: [0, 2] });
    expect(placeOf(0, [node(3, 6, mul(at(2, 6), 3))])).toEqual({ of: 1, starts: [0, 0] });
  });

  test("stays what it is where others read it, the host keeps it, or someone counts on the sum's end", () => {
    expect(placeOf(2, [node(3, 3, mul(at(1, 3), 3))])).toBeUndefined();
    expect(placeOf(0, [node(3, 8, mul(at(1, 8), 3))])).toBeUndefined();
    expect(placeOf(0, [], [1])).toBeUndefined();
    expect(placeOf(0, [], [2])).toBeUndefined();
    expect(placeOf(0, [node(3, 6, mul(at(2, 6, 1, 0), 3))])).toBeUndefined();
  });
});
