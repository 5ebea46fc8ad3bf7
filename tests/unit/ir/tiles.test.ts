import { describe, expect, test } from "@jest/globals";
import { axis, iadd, idiv, imul, load, map, mul, num, reduce } from "../../../compiler/ir/expression.ts";
import type { Axis, Computation } from "../../../compiler/ir/expression.ts";
import { layoutKernel, layoutStage, leastCommonMultiple, rootLayout, stageTile } from "../../../compiler/ir/tiles.ts";
import type { RegisterValue } from "../../../compiler/ir/tiles.ts";

const n: Axis = { name: "n", extent: 4, batch: true };
const [c, y, x] = [axis("c", 6), axis("y", 9), axis("x", 8)];

/** "%1", all of whose axes are the root's own. */
function rootValue(axes: readonly Axis[]): ReadonlyMap<string, RegisterValue> {
  return new Map([["%1", { axes, scales: rootLayout(axes).scales }]]);
}
const image = rootValue([n, c, y, x]);

/** Pooling of "%1" by windows of `size` at a step of `stride`. */
function pooling(size: number, stride: number, rows: number, columns: number): Computation {
  const [dy, dx] = [axis("dy", size), axis("dx", size)];
  const [py, px] = [axis("py", rows), axis("px", columns)];
  const at = [n, c, iadd(imul(py, stride), dy), iadd(imul(px, stride), dx)];
  return reduce([n, c, py, px], [dy, dx], "max", load("%1", at));
}

describe("an epilogue reads registers", () => {
  test("element by element: the root's own tiles, and nothing is asked of them", () => {
    const layout = layoutStage(map([n, c, y, x], mul(load("%1", [n, c, y, x]), 2)), image);
    expect(layout?.scales.get("y")).toEqual({ root: "y", numerator: 1, denominator: 1 });
    expect(layout?.constraints.size).toBe(0);
    expect(layout?.unrolledOver.size).toBe(0);
  });

  test("whole windows, the remainder left over: tiles hold whole windows", () => {
    const layout = layoutStage(pooling(2, 2, 4, 4), image);
    expect(layout?.scales.get("py")).toEqual({ root: "y", numerator: 1, denominator: 2 });
    expect(layout?.constraints.get("y")).toEqual({ multipleOf: 2, full: false });
    expect([...(layout?.unrolledOver ?? [])].sort()).toEqual(["dx", "dy"]);
    expect(stageTile(axis("py", 4), { root: "y", numerator: 1, denominator: 2 }, { y: 6 })).toBe(3);
  });

  test("windows smaller than their step", () => {
    expect(layoutStage(pooling(2, 3, 3, 2), image)?.constraints.get("y")).toEqual({ multipleOf: 3, full: false });
  });

  test("windows of windows", () => {
    const first = layoutStage(pooling(2, 2, 4, 4), image);
    const registers = new Map(image);
    const [py, px] = [axis("py", 4), axis("px", 4)];
    registers.set("%2", { axes: [n, c, py, px], scales: first?.scales ?? new Map() });
    const [qy, qx, dy, dx] = [axis("qy", 2), axis("qx", 2), axis("ey", 2), axis("ex", 2)];
    const at = [n, c, iadd(imul(qy, 2), dy), iadd(imul(qx, 2), dx)];
    const second = layoutStage(reduce([n, c, qy, qx], [dy, dx], "sum", load("%2", at)), registers);
    expect(second?.scales.get("qx")).toEqual({ root: "x", numerator: 1, denominator: 4 });
    expect(second?.constraints.get("x")).toEqual({ multipleOf: 4, full: false });
  });

  test("one element for several of its own: its tiles are larger", () => {
    const [up, ux] = [axis("uy", 18), axis("ux", 16)];
    const layout = layoutStage(map([n, c, up, ux], load("%1", [n, c, idiv(up, 2), idiv(ux, 2)])), image);
    expect(layout?.scales.get("uy")).toEqual({ root: "y", numerator: 2, denominator: 1 });
    expect(stageTile(up, { root: "y", numerator: 2, denominator: 1 }, { y: 3 })).toBe(6);
  });

  test("a whole row: its tile is the axis", () => {
    const layout = layoutStage(reduce([n], [c], "sum", load("%1", [n, c])), rootValue([n, c]));
    expect(layout?.constraints.get("c")).toEqual({ multipleOf: 1, full: true });
    expect(layout?.scales.has("c")).toBe(false);
  });

  test("an axis of its own, if it is short", () => {
    const short = layoutStage(map([n, axis("k", 8)], load("%1", [n])), rootValue([n]));
    expect(short?.scales.get("k")).toEqual({ numerator: 1, denominator: 1 });
    expect(layoutStage(map([n, axis("k", 9)], load("%1", [n])), rootValue([n]))).toBeUndefined();
  });
});

describe("what registers cannot give", () => {
  test.each<[string, Computation]>([
    ["windows that overlap", pooling(3, 2, 4, 3)],
    ["windows that start before the tensor", reduce([n, c, y, x], [axis("d", 3)], "sum", load("%1", [n, c, iadd(y, axis("d", 3), -1), x], 0))],
    ["a neighbour", map([n, c, axis("y", 8), x], load("%1", [n, c, iadd(axis("y", 8), 1), x]))],
    ["another order of the axes, both in tiles", map([n, c, x, axis("y", 8)], load("%1", [n, c, axis("y", 8), axis("y", 8)]))],
    ["a sum over the batch", reduce([c, y, x], [n], "sum", load("%1", [n, c, y, x]))],
    ["two axes in one index", map([n, c, axis("a", 4), axis("b", 2), x], load("%1", [n, c, iadd(axis("a", 4), axis("b", 2)), x]))],
  ])("%s", (_, computation) => {
    expect(layoutStage(computation, image)).toBeUndefined();
  }); // prettier-ignore

  test("one axis at two scales", () => {
    const [a, b] = [load("%1", [n, axis("k", 4)]), load("%1", [n, imul(axis("k", 4), 2)])];
    expect(layoutStage(map([n, axis("k", 4)], mul(a, b)), rootValue([n, axis("f", 8)]))).toBeUndefined();
  });
});

describe("the stages of a kernel", () => {
  const root = reduce([n, c], [axis("i", 5)], "sum", mul(load("%8", [n, axis("i", 5)]), load("%9", [c, axis("i", 5)])));

  test("a sibling runs in the root's loops, a later reader follows either", () => {
    const sibling = reduce([n], [axis("i", 5)], "sum", load("%8", [n, axis("i", 5)]));
    const reader = map([n, c], mul(load("%1", [n, c]), load("%2", [n])));
    const layouts = layoutKernel([
      { name: "%1", computation: root },
      { name: "%2", computation: sibling },
      { name: "%3", computation: reader },
    ]);
    expect(layouts.map((layout) => [...(layout?.scales.keys() ?? [])])).toEqual([["n", "c"], ["n"], ["n", "c"]]);
  });

  test("what fits neither has no layout", () => {
    const far = map([n, axis("k", 100)], num(0));
    expect(layoutKernel([{ name: "%1", computation: root }, { name: "%2", computation: far }])[1]).toBeUndefined(); // prettier-ignore
  });
});

test("the smallest common multiple", () => {
  expect([[4, 6], [1, 7], [5, 5], [8, 2]].map(([a = 1, b = 1]) => leastCommonMultiple(a, b))).toEqual([12, 7, 5, 8]); // prettier-ignore
});
