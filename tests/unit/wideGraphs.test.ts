/** Graphs that are wider than a kernel's bindings, or whose fusion would unroll too much. */
import { expect, test } from "@jest/globals";
import { compile } from "../../compiler/compile.ts";
import { compileText } from "../support/compileText.ts";
import { planProblems } from "../support/planProblems.ts";
import { networkText } from "../support/randomSpec.ts";

const wide: Readonly<Record<string, string>> = {
  "a concatenation of nine branches":
    "concat { repeat 9 { branch { conv(2, kernel: 3, padding: 1) } } } flatten linear(3)",
  "a concatenation of forty branches": "concat { repeat 40 { branch { conv(1, kernel: 1) } } } flatten linear(3)",
  "a value that nine branches read":
    "conv(2, kernel: 1) -> sigmoid as s  add { repeat 9 { branch { from s -> conv(2, kernel: 1) } } } flatten linear(3)",
};

test.each(Object.entries(wide))("%s binds no more than eight buffers a kernel", (_name, body) => {
  const { plan } = compileText(networkText("1 x 4 x 4", body), { batch: 4 });
  expect(planProblems(plan)).toEqual([]);
});

test("more heads than one kernel can add are refused with the numbers", () => {
  const heads = Array.from({ length: 8 }, (_, index) => `head h${index} { linear(3) }`).join("\n");
  const text = `model Net {\n input 4\n linear(3)\n ${heads}\n}\ntrain Net { data fashion_mnist optimizer sgd(lr: 0.1) }`;
  const { network, diagnostics } = compile({ path: "heads.cnn", text });
  expect(network).toBeUndefined();
  expect(diagnostics.map(({ code }) => code)).toContain("CNN4003");
});

test("a plane of sums behind a convolution's gradient is not unrolled into one kernel", () => {
  // Squeeze and excitation before an overlapping pool: 36 sums with bounds tests each once took minutes to compile.
  const body =
    "conv(5, kernel: 1)  multiply { branch { } branch { global_avg_pool -> conv(5, kernel: 1) -> sigmoid } } max_pool(3, stride: 2) flatten linear(7)";
  const { plan } = compileText(networkText("4 x 6 x 6", body), { batch: 13 });
  for (const { wgsl } of plan.kernels) expect(wgsl.split("\n").length).toBeLessThan(700);
});
