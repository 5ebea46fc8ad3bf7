/**
 * Convolutions computed in other ways than as they are written, against the plain one: on the CPU in float64, where only rounding
 * may differ, and on the adapter.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Choices } from "../../compiler/ir/choices.ts";
import type { KernelPlan, Stage } from "../../compiler/ir/kernel.ts";
import { compileText } from "../support/compileText.ts";
import { feedsFor, memoryProblems, programDifferences, verifyProgram } from "../support/planChecks.ts";
import { networkText } from "../support/randomSpec.ts";

/** A batch that a step does not fill. */
const settings = { batch: 3, count: 2, uniforms: { step: 5, seed: 7 } } as const;

/** The stages of a network's kernels that a predicate picks, forward and backward, once its numbers are those of the plain way. */
function stagesAlike(
  input: string,
  body: string,
  choices: Choices,
  picks: (stage: Stage) => boolean,
): readonly Stage[] {
  const text = networkText(input, body);
  const options = { batch: settings.batch, imageGradient: true, keepLogits: true };
  const ours = compileText(text, { ...options, choices });
  const plain = compileText(text, { ...options, choices: { winograd: false, implicitGemm: false } });
  const stages: Stage[] = [];
  for (const [program, other] of [[ours.training, plain.training], [ours.inference, plain.inference]] as const) {
    verifyProgram(program);
    expect(memoryProblems(program)).toEqual([]);
    const feeds = feedsFor(program.graph, settings.batch, 3);
    expect(programDifferences(program, other, feeds, settings).problems).toEqual([]);
    stages.push(...stagesOf(program.kernels).filter(picks));
  } // prettier-ignore
  return stages;
}

function stagesOf({ kernels }: KernelPlan): readonly Stage[] {
  return kernels.flatMap(({ stages }) => stages);
}

const size = fc.integer({ min: 3, max: 5 });
const channels = fc.integer({ min: 1, max: 2 });
const following = fc.constantFrom("", "-> relu", "-> batch_norm -> relu", "-> relu -> max_pool(2)", "-> avg_pool(2)");

describe("Winograd's filtering gives what the convolution gives", () => {
  const isWinograd = ({ op }: Stage): boolean => op === "winograd_products";

  test("of any size, padding and channels, forward and both gradients", () => {
    const drawn = fc.record({ size: fc.tuple(size, size), from: channels, to: channels, padding: fc.tuple(fc.nat(2), fc.nat(2)), following }); // prettier-ignore
    fc.assert(
      fc.property(drawn, ({ size: [height, width], from, to, padding, following: after }) => {
        const conv = `conv(${to}, kernel: 3, padding: (${padding.join(", ")}))`;
        const pooled =
          after.includes("pool") && (height + 2 * padding[0] < 4 || width + 2 * padding[1] < 4) ? "" : after;
        const body = `${conv} ${pooled}\nflatten -> linear(3)`;
        const found = stagesAlike(`${from} x ${height} x ${width}`, body, { winograd: true }, isWinograd);
        // In training forward and input gradient, in inference forward.
        expect(found).toHaveLength(3);
      }),
      { numRuns: 3, seed: 4 },
    );
  });

  test("in branches, sums and blocks of layers", () => {
    const body =
      "conv(2, kernel: 3, padding: 1, bias: false) -> batch_norm -> relu\n" +
      "concat { branch { conv(3, kernel: 3, padding: 1) } branch { conv(2, kernel: 1) -> relu } }\nflatten -> linear(3)";
    expect(stagesAlike("1 x 4 x 4", body, { winograd: true }, isWinograd)).toHaveLength(6);
  });

  test("and other convolutions stay as they are", () => {
    const body =
      "conv(4, kernel: 3, stride: 2) -> conv(4, kernel: 3, dilation: 2, padding: 1)\nconv(4, kernel: 3, groups: 2) -> conv(2, kernel: (2, 1))\nflatten -> linear(3)";
    const { training, inference } = compileText(networkText("2 x 13 x 13", body), { batch: 3, choices: { winograd: true } }); // prettier-ignore
    expect([...stagesOf(training.kernels), ...stagesOf(inference.kernels)].filter(isWinograd)).toEqual([]);
  });
});

describe("a convolution as a matrix product gives what the convolution gives", () => {
  const isProduct = ({ computation: { axes } }: Stage): boolean => axes.length === 3 && axes[2]?.name === "p";

  test("of any size, taps, padding, stride, dilation and groups, forward and input gradient", () => {
    const drawn = fc.record({
      size: fc.tuple(size, size),
      channels: fc.tuple(channels, channels),
      groups: fc.integer({ min: 1, max: 2 }),
      taps: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      padding: fc.tuple(fc.nat(2), fc.nat(2)),
      stride: fc.integer({ min: 1, max: 2 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      after: fc.constantFrom("", "-> relu", "-> batch_norm -> relu", "-> sigmoid -> dropout(0.3)"),
    });
    fc.assert(
      fc.property(drawn, ({ size: [height, width], channels: [from, to], groups, taps, padding, stride, dilation, after }) => {
        const reach = (extent: number, i: 0 | 1): number => extent + 2 * padding[i] - dilation * (taps[i] - 1);
        fc.pre(reach(height, 0) > 0 && reach(width, 1) > 0);
        const conv = `conv(${to * groups}, kernel: (${taps.join(", ")}), padding: (${padding.join(", ")}), stride: ${stride}, dilation: ${dilation}, groups: ${groups})`;
        const body = `${conv} ${after}\nflatten -> linear(3)`;
        const found = stagesAlike(`${from * groups} x ${height} x ${width}`, body, { implicitGemm: true }, isProduct);
        expect(found.length).toBeGreaterThan(0);
      }),
      { numRuns: 4, seed: 6 },
    ); // prettier-ignore
  });

  test("in joins and sums; 1x1 taps divide nothing", () => {
    const body =
      "concat { branch { conv(4, kernel: 1) -> relu } branch { conv(3, kernel: 3, padding: 1) } } as x\n" +
      "add { branch { conv(7, kernel: 1) } branch { from x } }\nflatten -> linear(3)";
    const found = stagesAlike("2 x 5 x 7", body, { implicitGemm: true }, isProduct);
    expect(found.some(({ slice }) => slice !== undefined)).toBe(true);
    // Three taps by three have a sum of 9 or 18 or 27 terms, and take the pixel apart.
    const pointwise = found.filter(
      ({ computation: { body: sum } }) => sum.kind === "reduce" && (sum.over[0]?.extent ?? 0) % 9 !== 0,
    );
    expect(pointwise.length).toBeGreaterThan(2);
    for (const { computation } of pointwise) expect(JSON.stringify(computation)).not.toMatch(/"(div|mod)"/);
  });
});
