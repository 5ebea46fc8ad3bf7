import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runCli } from "../../../compiler/cli.ts";
import type { SummaryJson } from "../../../compiler/commands/summary.ts";
import type { MemorySummary, ProgramBytes } from "../../../compiler/commands/summarizeMemory.ts";
import { colourlessTerminal } from "../../support/terminal.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

/** One command in this process: exit code and what it printed. */
async function summary(...args: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { terminal, printed } = colourlessTerminal();
  const code = await runCli(["summary", ...args], terminal);
  return { code, ...printed };
}

async function json(...args: readonly string[]): Promise<SummaryJson & { readonly bytes: MemorySummary }> {
  const { code, out, error } = await summary(...args, "--json");
  expect([code, error]).toEqual([0, ""]);
  return JSON.parse(out) as SummaryJson & { readonly bytes: MemorySummary };
}

const noBytes: ProgramBytes = {
  parameters: 0, statistics: 0, optimizer: 0, gradients: 0, values: 0, metrics: 0, tables: 0, uniforms: 0, readback: 0,
}; // prettier-ignore

const total = (bytes: ProgramBytes = noBytes): number => Object.values({ ...bytes }).reduce((a, b) => a + b, 0);

describe("bytes", () => {
  test("of a training step and of inference are the sums of what they hold", async () => {
    const { bytes } = await json("specs/residual_net.cnn", "--batch", "4");
    expect(bytes.batch).toBe(4);
    expect(bytes.parameters).toBe(41_514 * 4);
    expect(total(bytes.training)).toBe(bytes.trainingPeak);
    expect(total(bytes.inference)).toBe(bytes.inferencePeak);
    // Momentum has the size of the parameters; three rings of 32 steps, three batches of ten logits.
    expect(bytes.training).toMatchObject({ optimizer: bytes.training?.parameters, readback: 3 * 32 * 4 * 8, uniforms: 64 });
    expect(bytes.inference).toMatchObject({ optimizer: 0, gradients: 0, metrics: 0, readback: 3 * 4 * 10 * 4 });
  }); // prettier-ignore

  test("of activations are those that the backward pass reads", async () => {
    const { bytes } = await json("specs/lenet.cnn", "--batch", "1");
    // Images, four sigmoids and two pools: what PyTorch saves, too.
    expect(bytes.activations).toBe(4 * (784 + (4704 + 1600 + 120 + 84) + (1176 + 400)));
    const { bytes: ten } = await json("specs/lenet.cnn", "--batch", "10");
    expect(ten.activations).toBe(10 * (bytes.activations ?? NaN));
  });

  test("follow the batch, the recipe and the model's parameters", async () => {
    const plain = await json("specs/lenet.cnn");
    expect([plain.bytes.batch, plain.plan?.recipe]).toEqual([256, ""]);
    expect(plain.bytes.training?.optimizer).toBe(0);
    const quick = await json("specs/lenet.cnn", "--recipe", "quick");
    expect([quick.bytes.batch, quick.plan?.recipe, quick.settings["activation"]]).toEqual([64, "quick", "relu"]);
    expect(quick.bytes.training?.optimizer).toBe(quick.bytes.training?.parameters);
    const wide = await json("specs/lenet.cnn", "--set", "classes=100", "--no-memory");
    expect(wide.output).toEqual([100]);
  });

  test("follow the adapter that they are planned for", async () => {
    const defaults = await json("specs/residual_net.cnn", "--batch", "2", "--limits", "default");
    expect(defaults.plan).toEqual({ adapter: "cpu", limits: {}, recipe: "" });
    expect(await json("specs/residual_net.cnn", "--batch", "2")).toEqual(defaults);
    const gpu = await json("specs/residual_net.cnn", "--batch", "2", "--adapter", "gpu");
    expect(gpu.plan?.adapter).toBe("gpu");
    expect(gpu.layers).toEqual(defaults.layers);
    const tight = await json("specs/residual_net.cnn", "--batch", "2", "--limit", "maxStorageBufferBindingSize=120000");
    expect(tight.plan?.limits).toEqual({ maxStorageBufferBindingSize: 120_000 });
    expect(total(tight.bytes.training)).toBe(tight.bytes.trainingPeak);
  });

  test("are left out on request, and then nothing is compiled", async () => {
    const tooTight = ["specs/lenet.cnn", "--limit", "maxStorageBufferBindingSize=256"];
    const { code, error } = await summary(...tooTight);
    expect(code).toBe(1);
    expect(error).toMatch(/error\[CNN4\d+\]/);
    const { bytes, plan, parameters } = await json(...tooTight, "--no-memory");
    expect([bytes, plan, parameters]).toEqual([undefined, undefined, 61_706]);
  });

  test("are those of inference alone where there is no recipe", async () => {
    const folder = temporaryFolder({ "plain.cnn": "model Plain {\n  input 8\n  linear(4)\n}\n" });
    const { bytes, plan } = await json(join(folder, "plain.cnn"), "--batch", "2");
    expect(plan?.recipe).toBeNull();
    // Parameters at multiples of 256 bytes, images, logits, the uniform block, and logits to be read back.
    expect(bytes).toEqual({
      batch: 2,
      parameters: 36 * 4,
      inferencePeak: 512 + 64 + 32 + 64 + 3 * 32,
      inference: { ...noBytes, parameters: 512, values: 64 + 32, uniforms: 64, readback: 3 * 32 },
    });
  });

  test("are the same every time", async () => {
    const args = ["specs/inception_net.cnn", "--batch", "1", "--depth", "1", "--json"];
    expect(await summary(...args)).toEqual(await summary(...args));
  });
});

describe("as text", () => {
  test("a row a layer, a total, and the memory in words and bytes", async () => {
    const { code, out } = await summary("specs/lenet.cnn", "--batch", "1");
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines[0]).toContain("1x28x28 in, 10 out");
    expect(lines[3]).toMatch(/^conv1 +6x28x28 +156 +117,600$/);
    expect(out).toMatch(/^total +61,706 +416,520$/m);
    expect(out).toMatch(/^parameters +246\.8 kB +246,824 +bytes$/m);
    expect(out).toMatch(/^activations +35\.5 kB +35,472 +bytes, held for the backward pass of 1 image$/m);
    expect(out).toMatch(/^training step +[\d.]+ kB +[\d,]+ +bytes, all buffers of a step of 1 image$/m);
    expect(out).toMatch(/^inference +[\d.]+ kB +[\d,]+ +bytes, all buffers of a batch of 1 image$/m);
  });

  test("--depth makes a block a row", async () => {
    const { out } = await summary("specs/residual_net.cnn", "--depth", "1", "--no-memory");
    expect(out).toMatch(/^residual1 \(residual, 5 layers\) +16x12x12 +4,640 +663,552$/m);
    expect(out).not.toContain("memory");
  });
});

describe("mistakes", () => {
  test.each([
    [["--limit", "maxStorageBufferBindingSiz=1"], "did you mean `maxStorageBufferBindingSize`?"],
    [["--limit", "memory=1"], "no limit is called \"memory\"; they are maxStorageBufferBindingSize, "],
    [["--limit", "maxBufferSize=many"], "maxBufferSize takes a whole number from 1, as in maxBufferSize=268435456"],
    [["--limits", "all"], "Allowed are default."],
    [["--adapter", "tpu"], "Allowed are cpu and gpu."],
    [["--depth", "0"], "at least 1"],
  ])("%j", async (args, message) => {
    const { code, error } = await summary("specs/lenet.cnn", ...args);
    expect(code).toBe(2);
    expect(error).toContain(message);
  }); // prettier-ignore

  test("an error of the spec is shown, with and without a plan", async () => {
    for (const more of [[], ["--no-memory"]]) {
      const { code, out, error } = await summary("specs/vgg.cnn", "--set", "depth=12", ...more);
      expect([code, out]).toEqual([1, ""]);
      expect(error).toContain("depth must be 11, 13, 16 or 19");
    }
  });
});
