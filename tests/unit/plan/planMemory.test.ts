import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { layoutFlat, placesByValue } from "../../../compiler/5-plan/layoutParameters.ts";
import { alignBytes, planMemory, sizeBytesOf } from "../../../compiler/5-plan/planMemory.ts";
import { add, load, map } from "../../../compiler/ir/expression.ts";
import type { ScalarExpr } from "../../../compiler/ir/expression.ts";
import { valueId } from "../../../compiler/ir/graph.ts";
import type { TensorType, ValueId } from "../../../compiler/ir/graph.ts";
import { valueName } from "../../../compiler/ir/kernel.ts";
import type { Kernel, KernelPlan } from "../../../compiler/ir/kernel.ts";
import { bindingAlignmentBytes, verifyMemory } from "../../../compiler/ir/memory.ts";
import type { MemoryPlan, Place } from "../../../compiler/ir/memory.ts";

/** A value written by the kernel of its own index, read by later ones. */
interface Step {
  readonly elements: number;
  readonly reads: readonly number[];
}

const span = { file: { path: "test.cnn", text: "" }, start: 0, end: 0 };

/** Kernels of one stage; value 0 is the input, value i + 1 is what kernel i writes. */
function kernelPlan(steps: readonly Step[], aliasOf: KernelPlan["aliasOf"] = new Map()): KernelPlan {
  const kernels = steps.map(({ elements, reads }, index): Kernel => {
    const axes = [{ name: "i", extent: elements }];
    const value = reads.reduce<ScalarExpr>((sum, read) => add(sum, load(`%${read}`, [0])), {
      kind: "number",
      value: 0,
    });
    return {
      name: `k${index}`,
      stages: [
        {
          value: valueId(index + 1),
          op: "step",
          computation: map(axes, value),
          type: { shape: [elements], batched: false, dtype: "f32" },
          stored: true,
          origin: { span, calls: [], path: "" },
          roles: new Map(),
        },
      ],
      schedule: { tile: {}, unroll: {}, workgroupSize: 64 },
    };
  });
  return { kernels, aliasOf, slabsOf: new Map(), types: new Map(), scratch: new Map() };
}

function planned(steps: readonly Step[], outputs: readonly number[] = [], aliasOf?: KernelPlan["aliasOf"]): MemoryPlan {
  const typeOf = (value: ValueId): TensorType => ({
    shape: [value === 0 ? 64 : (steps[value - 1]?.elements ?? 0)],
    batched: false,
    dtype: "f32",
  });
  const memory = planMemory(kernelPlan(steps, aliasOf), {
    batch: 1,
    typeOf,
    inputs: [valueId(0)],
    outputs: outputs.map(valueId),
    persistentSlots: [],
    persistentPlaces: new Map(),
  });
  verifyMemory(memory);
  return memory;
}

function slotOf(memory: MemoryPlan, value: number): number | undefined {
  return memory.placeOf.get(valueId(value))?.slot;
}

const chain: readonly Step[] = Array.from({ length: 6 }, (_, index) => ({ elements: 64, reads: [index] }));

describe("slots", () => {
  test("a chain needs two, however long it is", () => {
    const memory = planned(chain);
    expect(memory.slots).toHaveLength(2);
    expect([1, 2, 3, 4].map((value) => slotOf(memory, value))).toEqual([1, 0, 1, 0]);
  });

  test("a value that is read late keeps its own", () => {
    const memory = planned([...chain, { elements: 64, reads: [1, 6] }]);
    expect(memory.slots).toHaveLength(3);
    const late = slotOf(memory, 1);
    expect([2, 3, 4, 5, 6, 7].map((value) => slotOf(memory, value))).not.toContain(late);
  });

  test("an output outlives every kernel, and so does what it is a view of", () => {
    expect(planned(chain, [1]).slots).toHaveLength(3);
    expect(planned(chain, [9], new Map([[valueId(9), valueId(1)]])).slots).toHaveLength(3);
  });

  test("a read through a view is a read", () => {
    const steps = [...chain, { elements: 64, reads: [9, 6] }];
    expect(planned(steps, [], new Map([[valueId(9), valueId(1)]])).slots).toHaveLength(3);
  });

  test("the largest come first, the others fit into them", () => {
    const memory = planned([
      { elements: 16, reads: [0] },
      { elements: 1000, reads: [1] },
      { elements: 16, reads: [2] },
      { elements: 900, reads: [3] },
    ]);
    expect(slotOf(memory, 4)).toBe(slotOf(memory, 2));
    expect(memory.slots.reduce((sum, slot) => sum + slot.sizeBytes, 0)).toBe(4000 + 64);
  });

  test("no kernel reads and writes one slot, whatever the program; nothing alive is overwritten", () => {
    const program = fc
      .array(fc.record({ elements: fc.integer({ min: 1, max: 300 }), back: fc.array(fc.nat(99), { maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 14,
      })
      .map((draws) =>
        draws.map(({ elements, back }, index): Step => ({ elements, reads: back.map((each) => each % (index + 1)) })),
      );
    let [shared, needed] = [0, 0];
    fc.assert(
      fc.property(program, fc.array(fc.nat(14), { maxLength: 2 }), (steps, wanted) => {
        const outputs = wanted.filter((value) => value >= 1 && value <= steps.length);
        const memory = planned(steps, outputs);
        for (const [index, { reads }] of steps.entries()) {
          for (const read of reads) expect(slotOf(memory, read)).not.toBe(slotOf(memory, index + 1));
        }
        // Run it: each kernel writes its number, each reader must find its source's.
        const contents = new Map<number, number>([[slotOf(memory, 0) ?? -1, 0]]);
        for (const [index, { reads }] of steps.entries()) {
          for (const read of reads) expect(contents.get(slotOf(memory, read) ?? -1)).toBe(read);
          contents.set(slotOf(memory, index + 1) ?? -1, index + 1);
        }
        for (const output of outputs) expect(contents.get(slotOf(memory, output) ?? -1)).toBe(output);
        shared += memory.slots.reduce((sum, slot) => sum + slot.sizeBytes, 0);
        needed += [...memory.placeOf.values()].reduce((sum, place) => sum + place.sizeBytes, 0);
      }),
      { numRuns: 200, seed: 4 },
    );
    expect(shared).toBeLessThan(0.8 * needed);
  });
});

describe("sizes", () => {
  test("are whole vectors of four, the batch included", () => {
    expect(sizeBytesOf({ shape: [3, 3], batched: true, dtype: "f32" }, 5)).toBe(192);
    expect(sizeBytesOf({ shape: [3], batched: false, dtype: "f32" }, 5)).toBe(16);
  });

  test("align with where a binding may start", () => {
    expect([0, 1, 256, 257].map(alignBytes)).toEqual([0, 256, 256, 512]);
  });
});

describe("parameters", () => {
  const types = [100, 64, 65, 1].map((size): TensorType => ({ shape: [size], batched: false, dtype: "f32" }));

  test("lie one after another, aligned", () => {
    const { slots, places } = layoutFlat("parameters", types, 1 << 20);
    expect(slots).toEqual([{ name: "parameters", sizeBytes: 1536, lifetime: "persistent" }]);
    expect(places.map(({ offsetBytes }) => offsetBytes)).toEqual([0, 512, 768, 1280]);
    expect(places.every(({ offsetBytes }) => offsetBytes % bindingAlignmentBytes === 0)).toBe(true);
  });

  test("take another slot where a binding ends", () => {
    const layout = layoutFlat("parameters", types, 768);
    expect(layout.slots.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ["parameters", 768],
      ["parameters2", 768],
    ]);
    const places = placesByValue([valueId(7), valueId(8), valueId(9), valueId(10)], layout, 3);
    expect([...places].map(([value, { slot }]) => [valueName(value), slot])).toEqual([
      ["%7", 3],
      ["%8", 3],
      ["%9", 4],
      ["%10", 4],
    ]);
  });

  test("another slot where what lies besides them would be too large", () => {
    const { places } = layoutFlat("parameters", types, 1 << 20, [1 << 19, 1 << 19, 256]);
    expect(places.map(({ slot }) => slot)).toEqual([0, 0, 1, 1]);
  });
});

describe("verifyMemory finds", () => {
  const place = { slot: 0, offsetBytes: 0, sizeBytes: 16 };
  const slots = [{ name: "slot0", sizeBytes: 512, lifetime: "step" as const }];
  const alive = new Map([[valueId(1), { first: 0, last: 2 }], [valueId(2), { first: 2, last: 3 }]]); // prettier-ignore
  test.each([
    ["two values in one place", [place, place], "share memory"],
    ["a place past its slot", [place, { ...place, offsetBytes: 512 }], "reaches past"],
    ["a place that no binding reaches", [place, { ...place, offsetBytes: 16 }], "not aligned"],
    ["a place in no slot", [place, { ...place, slot: 1 }], "no slot"],
  ])("%s", (_, [first, second], message) => {
    const placeOf = new Map([first, second].flatMap((each, i) => (each ? [[valueId(i + 1), each] as const] : [])));
    expect(() => {
      verifyMemory({ slots, placeOf, slabStepOf: new Map(), lifetimeOf: alive, inPlaceOf: new Map() });
    }).toThrow(message);
  });

  test("slabs that lie as those before them do once, and one that meets another value", () => {
    const three = ["a", "b", "c"].map((name) => ({ name, sizeBytes: 512, lifetime: "step" as const }));
    const step = { count: 3, slots: 1, bytes: 0 };
    const verify = (own: Place, other: Place, isSlabbed: boolean): void => {
      verifyMemory({
        slots: three,
        placeOf: new Map([[valueId(1), own], [valueId(2), other]]), // prettier-ignore
        slabStepOf: new Map([[valueId(1), step], ...(isSlabbed ? [[valueId(2), step] as const] : [])]),
        lifetimeOf: alive,
        inPlaceOf: new Map(),
      });
    };
    const beside = { ...place, offsetBytes: 256 };
    expect(() => {
      verify(place, beside, true);
      verify(place, { ...beside, slot: 2 }, false);
    }).not.toThrow();
    expect(() => {
      verify(place, place, true);
    }).toThrow("share memory");
    expect(() => {
      verify(place, { ...place, slot: 2 }, false);
    }).toThrow("share memory");
    expect(() => {
      verify({ ...place, slot: 1 }, beside, true);
    }).toThrow("no slot");
  });
});
