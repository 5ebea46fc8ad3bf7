import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  addAffine, affineKey, affineOf, divAffine, linearAffine, modAffine, rangeOf, scaleAffine, variableAffine, variablesOf,
} from "../../../compiler/ir/affine.ts"; // prettier-ignore
import type { Affine } from "../../../compiler/ir/affine.ts";
import { axis, iadd, idiv, idx, imod, imul } from "../../../compiler/ir/expression.ts";
import type { IndexExpr } from "../../../compiler/ir/expression.ts";
import { valueOf } from "../../support/interpretKernels.ts";

const extents = { x: 5, y: 4, z: 3 } as const;
const names = Object.keys(extents) as (keyof typeof extents)[];
const ranges = new Map(names.map((name) => [name, { low: 0, high: extents[name] - 1 }]));
const bindings = new Map(names.map((name) => [name as string, variableAffine(name)]));

/** Index expressions of every form over three variables. */
const { expression } = fc.letrec<{ expression: IndexExpr }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...names).map((name) => idx(axis(name, extents[name]))),
    fc.integer({ min: -7, max: 7 }).map((value) => idx(value)),
    fc.tuple(tie("expression"), tie("expression")).map(([left, right]) => iadd(left, right)),
    fc.tuple(tie("expression"), fc.integer({ min: -4, max: 4 })).map(([of, by]) => imul(of, by)),
    fc.tuple(tie("expression"), fc.integer({ min: 1, max: 6 })).map(([of, by]) => idiv(of, by)),
    fc.tuple(tie("expression"), fc.integer({ min: 1, max: 6 })).map(([of, by]) => imod(of, by)),
  ),
}));

const everywhere: readonly ReadonlyMap<string, number>[] = Array.from({ length: 60 }, (_, i) => {
  const values = { x: i % 5, y: Math.floor(i / 5) % 4, z: Math.floor(i / 20) };
  return new Map(Object.entries(values));
});

/** What an affine index is where its variables are known. */
function evaluate(affine: Affine, at: ReadonlyMap<string, number>): number {
  return affine.terms.reduce((sum, { atom, coefficient }) => {
    if (atom.kind === "variable") return sum + coefficient * (at.get(atom.name) ?? NaN);
    const of = evaluate(atom.of, at);
    const quotient = Math.floor(of / atom.by);
    return sum + coefficient * (atom.kind === "div" ? quotient : of - quotient * atom.by);
  }, affine.constant);
}

describe("folding keeps every value", () => {
  test("of any expression, within the range that is told", () => {
    fc.assert(
      fc.property(expression, (expr) => {
        const affine = affineOf(expr, bindings, ranges);
        const { low, high } = rangeOf(affine, ranges);
        for (const at of everywhere) {
          const value = valueOf(expr, at);
          expect(evaluate(affine, at) + 0).toBe(value + 0); // -0 is 0
          expect(value).toBeGreaterThanOrEqual(low);
          expect(value).toBeLessThanOrEqual(high);
        }
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test("in a normal form: no term twice, none of 0, and nothing that is not there", () => {
    fc.assert(
      fc.property(expression, expression, (left, right) => {
        const [a, b] = [affineOf(left, bindings, ranges), affineOf(right, bindings, ranges)];
        const sum = addAffine(a, b);
        expect(affineKey(sum)).toBe(affineKey(addAffine(b, a)));
        expect(sum.terms.every(({ coefficient }) => coefficient !== 0)).toBe(true);
        expect(affineKey(addAffine(sum, scaleAffine(b, -1)))).toBe(affineKey(a));
        for (const name of variablesOf(sum)) expect([...variablesOf(a), ...variablesOf(b)]).toContain(name);
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  test("of quotients and remainders, which belong together", () => {
    fc.assert(
      fc.property(expression, fc.integer({ min: 1, max: 6 }), (expr, by) => {
        const affine = affineOf(expr, bindings, ranges);
        const [quotient, remainder] = [divAffine(affine, by, ranges), modAffine(affine, by, ranges)];
        for (const at of everywhere) {
          expect(evaluate(remainder, at)).toBeGreaterThanOrEqual(0);
          expect(evaluate(remainder, at)).toBeLessThan(by);
          expect(by * evaluate(quotient, at) + evaluate(remainder, at) + 0).toBe(evaluate(affine, at) + 0);
        }
      }),
      { numRuns: 150, seed: 3 },
    );
  });
});

describe("what folds", () => {
  const small = new Map([["y", { low: 0, high: 6 }], ["dy", { low: 0, high: 1 }]]); // prettier-ignore
  test.each([
    [
      "a window's row by its stride",
      divAffine(addAffine(variableAffine("y", 2), variableAffine("dy")), 2, small),
      "1*y+0",
    ],
    ["its place in the window", modAffine(addAffine(variableAffine("y", 2), variableAffine("dy")), 2, small), "1*dy+0"],
    ["an odd row", divAffine(variableAffine("y", 2, 1), 2, small), "1*y+0"],
    ["a whole multiple", modAffine(variableAffine("y", 6, 12), 3, small), "0"],
    ["what lies below the divisor", divAffine(variableAffine("y"), 7, small), "0"],
    ["a negative constant", divAffine(variableAffine("y", 2, -2), 2, small), "1*y+-1"],
  ])("%s", (_, folded, key) => {
    expect(affineKey(folded)).toBe(key);
  });

  test("what cannot, stays", () => {
    expect(affineKey(divAffine(variableAffine("y"), 2, small))).toBe("1*(1*y+0 div 2)+0");
    expect(affineKey(modAffine(variableAffine("y"), 4, small))).toBe("1*(1*y+0 mod 4)+0");
  });

  test("the index of an element in memory", () => {
    const linear = linearAffine([variableAffine("n"), variableAffine("y"), variableAffine("x", 2, 1)], [3, 7, 9]);
    expect(affineKey(linear)).toBe("63*n+2*x+9*y+1");
  });

  test("a variable without a range is told by name", () => {
    expect(() => rangeOf(variableAffine("q"), small)).toThrow("q has no range");
  });
});
