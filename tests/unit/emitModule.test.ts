import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { minifiedText } from "../../compiler/6-emit/packTexts.ts";
import { emitModule } from "../../compiler/6-emit/emitModule.ts";
import type { ModuleSource } from "../../compiler/6-emit/emitModule.ts";
import type { EmittedFile } from "../../compiler/ir/output.ts";
import { readRuntimeBundle } from "../../compiler/node/runtimeBundle.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { compileText } from "../support/compileText.ts";
import { linearPlan } from "../support/linearPlan.ts";

const root = resolve(import.meta.dirname, "../..");
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function network(name = "Linear", change: (plan: NetworkPlan) => NetworkPlan = (plan) => plan): ModuleSource {
  const plan = change({ ...linearPlan(), name });
  return { name, doc: "A linear layer.\nIts second line.", plan, peakBytes: { training: 4096, inference: 1024 } };
}

/** Everything that a spec's text could smuggle into comments, strings and templates. */
const nasty = "*/ ${1 + 1} ` \\` \" ' \\ \r\n// \u2028\u2029 </script> \u0000 } ] )";

function nastyPlan(plan: NetworkPlan): NetworkPlan {
  const { training } = plan;
  return {
    ...plan,
    kernels: plan.kernels.map((kernel) => ({ ...kernel, name: nasty, wgsl: `${kernel.wgsl}\n// ${nasty}` })),
    buffers: plan.buffers.map((buffer) => ({ ...buffer, name: `${nasty}${buffer.name}` })),
    parameters: plan.parameters.map((tensor) => ({ ...tensor, name: `${tensor.name}${nasty}` })),
    counters: [{ name: nasty }],
    ...(training && {
      training: { ...training, dispatches: training.dispatches.map((dispatch) => ({ ...dispatch, label: nasty })) },
    }),
  };
}

/**
 * How apps get WebGPU's types: from the package, or from TypeScript's own DOM library, which has them since version 6. Both
 * at once contradict each other in their details, so an app with both skips checking libraries; the second app checks them.
 */
const typings = {
  package: { types: ["@webgpu/types"], skipLibCheck: true },
  dom: { types: [], lib: ["es2023", "dom"], skipLibCheck: false },
} as const;

/** An app with these files that has this checkout as cnnc, and @webgpu/types. */
function app(files: readonly EmittedFile[], typing: keyof typeof typings = "package"): string {
  const folder = mkdtempSync(join(tmpdir(), "cnnc-app-"));
  folders.push(folder);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const { path, text } of files) write(`src/${path}`, text);
  const compilerOptions = {
    ...{ target: "es2022", module: "nodenext", strict: true, noUncheckedIndexedAccess: true, noEmit: true },
    ...{ noUnusedLocals: true, exactOptionalPropertyTypes: true, allowImportingTsExtensions: true },
    ...typings[typing],
  };
  write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["src"] }));
  write("package.json", JSON.stringify({ type: "module" }));
  mkdirSync(join(folder, "node_modules/@webgpu"), { recursive: true });
  symlinkSync(root, join(folder, "node_modules/cnnc"));
  symlinkSync(join(root, "node_modules/@webgpu/types"), join(folder, "node_modules/@webgpu/types"));
  return folder;
}

function check(folder: string): string {
  const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], {
    encoding: "utf8",
  });
  return stdout;
}

/** A plan as a module carries it: its kernels without what only readers need. */
function carried(plan: NetworkPlan): unknown {
  const kernels = plan.kernels.map((kernel) => ({ ...kernel, wgsl: minifiedText(kernel.wgsl) }));
  return JSON.parse(JSON.stringify({ ...plan, kernels }));
}

/** The plan that a JavaScript module hands to the runtime, and the path of its create function. */
function planOf(files: readonly EmittedFile[], create: string): NetworkPlan {
  const folder = app([
    ...files,
    {
      path: "cnnc-runtime.js",
      text: 'export { unpackKernels } from "cnnc/runtime";\nexport const createNetwork = async (plan) => ({ plan });\n',
    },
  ]);
  const script = files.find(({ path }) => path.endsWith(".js"))?.path ?? "";
  const module = pathToFileURL(join(folder, "src", script)).href;
  const code = `import(${JSON.stringify(module)}).then(async (m) => console.log(JSON.stringify((await m[${JSON.stringify(create)}]()).plan)))`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as NetworkPlan;
}

/** Images of three channels given in every way to a network that reads one. */
const channels = `import { evaluateClasses, startTraining } from "cnnc/app";
import type { Images } from "cnnc/runtime";
import { createLinear } from "./linear.ts";
import type { LinearImage, LinearSource } from "./linear.ts";
const network = await createLinear();
const grey = { values: new Float32Array(12), shape: [3, 1, 2, 2] } as const;
const rgb = { values: new Float32Array(12), shape: [1, 3, 2, 2] } as const;
const [plane, labels] = [[[0, 1], [1, 0]], [0, 1, 2]];
const good: Images<LinearImage, LinearSource> = grey;
await network.predict(good);
await network.fit({ images: grey, labels }, { epochs: 1, validation: { images: [plane], labels: [0] } });
await network.fit({ size: 1, stream: () => [{ image: [plane], label: 0 }] }, { epochs: 1 });
startTraining(network, { images: grey, labels }, { epochs: 1, validation: { images: grey, labels } });
const rate = ({ losses }: { losses: readonly number[] }) => 0.1 / (1 + losses.length);
const { stoppedEarly } = await startTraining(network, { images: grey, labels }, { rate, earlyStop: false }).finished;
startTraining(network, { images: grey, labels }, { rate: 0.1, schedule: { name: "cosine", eta_min: Number(stoppedEarly) } });
const { top5Accuracy, classes: [figures], confusion } = await evaluateClasses(network, { images: grey, labels });
const told: readonly (number | undefined)[] = [top5Accuracy, figures?.precision, confusion[0]?.[0]];
startTraining(network, { images: grey, labels }, { epochs: told.length });
// @ts-expect-error
await evaluateClasses(network, { images: rgb, labels });
// @ts-expect-error
startTraining(network, { images: grey, labels }, { schedule: { name: "cosine", factor: 0.1 } });
// @ts-expect-error
startTraining(network, { images: grey, labels }, { schedule: { name: "multi_step" } });
// @ts-expect-error
await network.predict(rgb);
// @ts-expect-error
await network.predict(grey, "stem");
// @ts-expect-error
await network.predict([[plane, plane, plane]]);
// @ts-expect-error
network.trainStep(rgb, [0]);
// @ts-expect-error
await network.gradients(rgb, [0]);
// @ts-expect-error
await network.evaluate({ images: rgb, labels: [0] });
// @ts-expect-error
await network.fit({ images: rgb, labels: [0] }, { epochs: 1 });
// @ts-expect-error
await network.fit({ images: grey, labels }, { epochs: 1, validation: { images: rgb, labels: [0] } });
// @ts-expect-error
await network.fit({ size: 1, stream: () => [{ image: [plane, plane, plane], label: 0 }] }, { epochs: 1 });
// @ts-expect-error
startTraining(network, { images: rgb, labels: [0] }, { epochs: 1 });
// @ts-expect-error
startTraining(network, { images: grey, labels }, { epochs: 1, validation: { images: rgb, labels: [0] } });
`;

describe("emitModule", () => {
  test("names the features that it can predict in the module's type, and in its plan", async () => {
    const { plan } = network();
    const { inference } = plan;
    const features = { stem: { ...inference.logits, shape: [3] } };
    const [module] = await emitModule({ ...network(), plan: { ...plan, inference: { ...inference, features } } }, { language: "ts" }); // prettier-ignore
    expect(module!.text).toContain('LinearSource, "stem">');
    expect(module!.text).toContain("features: { stem: {");
  });

  test("writes the module first and a file for each kernel, the same bytes each time", async () => {
    const files = await emitModule(network(), { language: "ts" });
    expect(files.map(({ path }) => path)).toEqual([
      "linear.ts",
      "linear/linear_inference.wgsl",
      "linear/linear_loss.wgsl",
      "linear/running_mean.wgsl",
      "linear/sgd_update.wgsl",
      "linear/collect_gradients.wgsl",
    ]);
    expect(await emitModule(network(), { language: "ts" })).toEqual(files);
    const text = files[0]?.text ?? "";
    expect(text).toContain("@generated by cnnc");
    expect(text).toContain("export async function createLinear(options: NetworkOptions = {}): Promise<Linear>");
    expect(text).toContain('export type LinearParameter = "fc.weight" | "fc.bias";');
    expect(text).toContain("3 x 4 = 12 values");
    expect(text).toContain("// linear_loss\n");
    expect([...text.matchAll(/from "([^"]*)"/g)].map(([, from]) => from)).toEqual(["cnnc/runtime", "cnnc/runtime"]);
    expect(text).not.toContain(root);
  });

  test("takes its file name from the caller, or from the model", async () => {
    const first = async (name: string, fileName?: string): Promise<string | undefined> =>
      (await emitModule(network(name), { language: "ts", ...(fileName !== undefined && { fileName }) }))[0]?.path;
    expect(await first("MnistCnn")).toBe("mnistcnn.ts");
    expect(await first("A", 'my spec\'s "net"\n')).toBe("my_spec_s_net.ts");
    expect(await first("A", "../../etc/passwd")).toBe("etc_passwd.ts");
    expect(await first("CON")).toBe("con_model.ts");
    expect(await first("___")).toBe("model.ts");
  });

  test("a JavaScript module holds exactly the plan, whatever its names and texts are", async () => {
    for (const plan of [linearPlan(), nastyPlan(linearPlan()), { ...linearPlan(), outputShape: [3, 1, 1] }]) {
      const files = await emitModule(
        network("Linear", () => plan),
        { language: "js" },
      );
      expect(planOf(files, "createLinear")).toEqual(carried(plan));
    }
  }, 60_000);

  test("a plan without training or statistics gives a module too", async () => {
    const { training: _, ...rest } = linearPlan();
    const plan: NetworkPlan = { ...rest, states: [], optimizer: [], counters: [], uniforms: rest.uniforms.slice(0, 4) };
    const source: ModuleSource = { name: "Linear", doc: "", plan, peakBytes: { inference: 10 } };
    expect(planOf(await emitModule(source, { language: "js" }), "createLinear")).toEqual(carried(plan));
  }, 60_000);

  test("models called like JavaScript's words, types or the module's own names pass tsc --strict and load", async () => {
    const names = ["class", "Network", "NetworkPlan", "Promise", "Record", "var", "plan", "kernels", "float32_array", "_1", "constructor", "object"]; // prettier-ignore
    const modules = await Promise.all(names.map((name) => emitModule(network(name, nastyPlan), { language: "ts" })));
    const folder = app(modules.flatMap((files, index) => files.map(({ path, text }) => ({ path: `m${index}/${path}`, text })))); // prettier-ignore
    expect(check(folder)).toBe("");
    const scripts = await emitModule(network("class", nastyPlan), { language: "js" });
    expect(planOf(scripts, "createClass").name).toBe("class");
  }, 120_000);

  test("an app that uses the module is checked against the spec", async () => {
    const files = await emitModule(network(), { language: "ts" });
    const use = `import { createLinear } from "./linear.ts";
import type { LinearStateDict } from "./linear.ts";
const network = await createLinear({ powerPreference: "low-power" });
const classes: 3 = network.classes;
const state: LinearStateDict = await network.stateDict();
network.loadStateDict(state);
const weight: Float32Array = await network.parameter("fc.weight").read();
const { gradients } = await network.gradients(new Float32Array(4), [classes - 1]);
console.log(weight.length, gradients["fc.bias"].length, network.inputShape[2]);
`;
    const options = { path: "use.ts", text: use };
    const wrong = { path: "wrong.ts", text: use.replace('parameter("fc.weight")', 'parameter("fc.wait")') };
    expect(check(app([...files, options], "dom"))).toBe("");
    const three = { path: "three.ts", text: channels };
    // With one channel in their place, only the nested arrays fail as expected.
    const one = { path: "one.ts", text: channels.replace("shape: [1, 3, 2, 2]", "shape: [3, 1, 2, 2]") };
    const errors = check(app([...files, options, wrong, three, one])).split("\n");
    const of = (path: string): readonly string[] => errors.filter((line) => line.includes(`src/${path}(`));
    expect(of("wrong.ts")).toEqual([expect.stringMatching(/\(7,.*"fc\.wait"/)]);
    expect(of("one.ts")).toHaveLength(9);
    expect(of("one.ts").filter((line) => !line.includes("Unused '@ts-expect-error'"))).toEqual([]);
    expect(errors.filter((line) => line.includes("error"))).toHaveLength(10);
  }, 120_000);

  test("a JavaScript module and the runtime beside it need no package, and their declarations hold together", async () => {
    const files = await emitModule(network(), { language: "js" });
    const use = `import { startTraining } from "./cnnc-app.js";
import { createLinear } from "./linear.js";
const network = await createLinear();
const logits: Float32Array = await network.predict(new Float32Array(8));
const training = startTraining(network, { images: new Float32Array(8), labels: [0, 1] }, { epochs: 1 });
for await (const { kind, loss } of training) console.log(kind, loss, logits, network.parameter("fc.bias"));
`;
    const folder = app([...files, ...readRuntimeBundle(), { path: "use.ts", text: use }], "dom");
    rmSync(join(folder, "node_modules"), { recursive: true });
    expect(check(folder)).toBe("");
    const module = pathToFileURL(join(folder, "src/linear.js")).href;
    const code = `import(${JSON.stringify(module)}).then((m) => m.createLinear({ gpu: { requestAdapter: async () => null } })).catch((error) => console.log(error.message))`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
    expect(stdout).toContain("no WebGPU adapter was found");
    // Both files throw the same errors.
    const [runtime, extra] = ["cnnc-runtime.js", "cnnc-app.js"].map(
      (name) => pathToFileURL(join(folder, "src", name)).href,
    );
    const asks = `const { NetworkError } = await import(${JSON.stringify(runtime)}); const { indexedDbStore } = await import(${JSON.stringify(extra)});
      indexedDbStore("x").load("y").catch((error) => console.log(error instanceof NetworkError, error.kind))`;
    const told = spawnSync(process.execPath, ["--input-type=module", "-e", asks], { encoding: "utf8" });
    expect(told).toMatchObject({ stdout: "true storage\n", stderr: "" });
  }, 60_000);
});

test("the runtime, minified and compressed, stays small", async () => {
  const { outputFiles } = await build({
    entryPoints: [join(root, "runtime/index.ts")],
    ...{ bundle: true, format: "esm", minify: true, write: false, logLevel: "silent" },
  });
  expect(gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length).toBeLessThan(17_000);
});

test("LeNet with its runtime and every kernel, minified and compressed, is at most 25 kB", async () => {
  const readSource = (path: string): string => readFileSync(join(root, path), "utf8");
  const path = "bench/specs/lenet.cnn";
  const lenet = compileText(readSource(path), { recipe: "bench", readSource }, path);
  const folder = app([...(await emitModule(lenet, { language: "js", fileName: "lenet" })), ...readRuntimeBundle()]);
  const { outputFiles } = await build({
    entryPoints: [join(folder, "src/lenet.js")],
    ...{ bundle: true, format: "esm", target: "es2022", minify: true, write: false, legalComments: "none" },
  });
  expect(gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length).toBeLessThanOrEqual(25_000);
}, 60_000);
