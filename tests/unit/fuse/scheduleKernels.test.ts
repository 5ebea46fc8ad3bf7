import { describe, expect, test } from "@jest/globals";
import { workOf } from "../../../compiler/ir/kernel.ts";
import type { ScheduleRequest } from "../../../compiler/ir/kernel.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";

describe("the lines that a kernel may have", () => {
  test("go by its share of the work, equal kernels' together since they share a text", () => {
    const small = "conv(8, kernel: 3, padding: 1)";
    const body = [
      "conv(64, kernel: 7, padding: 3)",
      "conv(8, kernel: 7, padding: 3)",
      ...Array.from({ length: 4 }, () => `${small} -> relu`),
      `${small} -> sigmoid`,
      "flatten -> linear(2)",
    ];
    const { kernels } = compileText(networkText("8 x 16 x 16", body.join("\n")), { batch: 4, choices: {} }).inference;
    const requests = kernels.kernels.flatMap((kernel) => kernels.requests?.get(kernel.stages) ?? []);
    const requestsOf = (activation: string): readonly ScheduleRequest[] =>
      requests.filter(({ kernel }) => kernel.stages.some(({ op }) => op === activation));
    const all = kernels.kernels.reduce((sum, kernel) => sum + workOf(kernel), 0);
    const [alone] = requestsOf("sigmoid");
    if (alone === undefined) throw new Error("no kernel has the sigmoid");
    expect(alone.lineBudget).toBeCloseTo(1800 * Math.sqrt(workOf(alone.kernel) / all), 0);
    expect(requestsOf("relu")).toHaveLength(4);
    for (const { lineBudget } of requestsOf("relu"))
      expect(Math.abs(lineBudget - 2 * alone.lineBudget)).toBeLessThanOrEqual(1);
  });
});
