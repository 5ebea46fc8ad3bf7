/** What is asked of a file from outside: the model, the recipe, the values of parameters. */
import { readdirSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { checkSource } from "../../../compiler/check.ts";
import { compile } from "../../../compiler/compile.ts";
import { catalogue } from "../../../compiler/diagnostics/catalogue.ts";
import { renderDiagnostics } from "../../../compiler/diagnostics/render.ts";
import type { NetworkPlan } from "../../../runtime/plan.ts";
import { checkCleanly } from "../../support/checkText.ts";

const text = `model Net(depth = 18, act = relu) {
  input 4
  act -> linear(depth)
}
train Net as quick {
  data images("photos")
  optimizer sgd(lr: 0.1)
}
train Net(depth: 3) as small {
  data images("photos")
  optimizer sgd(lr: 0.1)
}
`;

function complaint(options: Parameters<typeof checkSource>[1]): string {
  return renderDiagnostics(checkSource({ path: "net.cnn", text }, options).diagnostics);
}

test("a misspelt --set names the parameter that was meant", () => {
  expect(complaint({ settings: { dept: "34" } })).toBe(`error[CNN2039]: model Net has no parameter \`dept\`
 --> --set dept:1:5
  |
1 | let dept = 34
  |     ^^^^
  = help: did you mean \`depth\`?
`);
});

test("a --set that is no expression is a syntax error in its own text", () => {
  expect(complaint({ settings: { depth: "3 +" } })).toContain("--> --set depth:1:");
  expect(complaint({ settings: { depth: "3 model X { input 4 }" } })).toContain(
    "expected the end of the value, found `model X { input 4 }`",
  );
});

test("values of --set are expressions, layers included", () => {
  const { graph, settings } = checkCleanly(text, { settings: { depth: "2 * 3", act: "leaky_relu(0.2)" } });
  expect(graph.nodes[0]?.attrs["negative_slope"]).toBe(0.2);
  expect(settings).toEqual([
    { name: "depth", value: "6" },
    { name: "act", value: "leaky_relu(negative_slope: 0.2)" },
  ]);
});

test("a recipe is named, or nearly so", () => {
  expect(checkCleanly(text, { recipe: "small" }).settings[0]?.value).toBe("3");
  expect(checkCleanly(text).recipe).toBeUndefined();
  expect(complaint({ recipe: "quik" })).toContain("there is no recipe called `quik`");
  expect(complaint({ recipe: "quik" })).toContain("did you mean `quick`?");
});

test("a model that is not there", () => {
  expect(complaint({ model: "net" })).toContain("this file has no model called `net`");
  expect(complaint({ model: "net" })).toContain("did you mean `Net`?");
});

test("every code of the checker is produced by a fixture", () => {
  const folders = readdirSync(new URL("../../fixtures/reject", import.meta.url));
  const produced = new Set(folders.map((folder) => folder.slice(0, 7)));
  const codes = catalogue.map(({ code }) => code).filter((code) => /^CNN[2356]/.test(code));
  expect(codes.filter((code) => !produced.has(code))).toEqual([]);
});

test("a compilation for inference alone has the same inference and no training step", () => {
  const source = { path: "net.cnn", text };
  const [whole, part] = [
    compile(source, { recipe: "quick" }),
    compile(source, { recipe: "quick", inferenceOnly: true }),
  ];
  expect(whole.network?.plan.training).toBeDefined();
  expect(part.network?.plan.training).toBeUndefined();
  expect(part.network?.recipe).toEqual(whole.network?.recipe);
  const kernels = (plan: NetworkPlan | undefined): readonly (string | undefined)[] | undefined =>
    plan?.inference.dispatches.map(({ kernel }) => plan.kernels[kernel]?.wgsl.replace(/^\/\/.*$/gm, ""));
  expect(kernels(part.network?.plan)).toEqual(kernels(whole.network?.plan));
});
