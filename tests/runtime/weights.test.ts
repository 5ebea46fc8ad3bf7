import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { createNetwork, parseSafetensors, writeSafetensors } from "../../runtime/index.ts";
import type { StoredTensor } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { linearData, linearPlan } from "../support/linearPlan.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

test("a file holds the state dict, byte for byte the same for the same weights", async () => {
  const network = await createNetwork(linearPlan(), { device: opened.device, seed: 2 });
  const { images, labels } = linearData(4);
  for (let i = 0; i < 3; i++) network.trainStep(images, labels);
  const file = await network.save();
  expect(await network.save()).toEqual(file);

  const { tensors, metadata } = parseSafetensors(file);
  expect(metadata).toEqual({ format: "pt" });
  expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ["norm.num_batches_tracked", "I64", []],
    ["fc.bias", "F32", [3]],
    ["fc.weight", "F32", [3, 4]],
    ["norm.running_mean", "F32", [4]],
  ]);
  expect(new DataView(file.buffer).getBigUint64(0, true) % 8n).toBe(0n);

  const logits = await network.predict(images);
  const other = await createNetwork(linearPlan(), { device: opened.device, seed: 77 });
  expect(await other.predict(images)).not.toEqual(logits);
  await other.load(file);
  expect(await other.predict(images)).toEqual(logits);
  expect(await other.save()).toEqual(file);

  // What Node's readFile gives: a Buffer, here within a larger one.
  const read = Buffer.concat([Buffer.alloc(24), file]).subarray(24);
  other.init(78);
  await other.load(read);
  expect(await other.predict(images)).toEqual(logits);
  other.init(78);
  await other.load(Uint8Array.from(file).buffer);
  expect(await other.predict(images)).toEqual(logits);

  const third = await createNetwork(linearPlan(), { device: opened.device });
  third.loadStateDict(await network.stateDict());
  expect(await third.predict(images)).toEqual(logits);
  for (const one of [network, other, third]) one.destroy();
});

test("init draws the same weights from the same seed and forgets what training gathered", async () => {
  const network = await createNetwork(linearPlan(), { device: opened.device, seed: 4 });
  const first = await network.saveCheckpoint();
  const { images, labels } = linearData(4);
  network.trainStep(images, labels);
  expect(await network.saveCheckpoint()).not.toEqual(first);
  network.init(4);
  expect(await network.saveCheckpoint()).toEqual(first);
  network.init(5);
  expect(await network.save()).not.toEqual(first);
  network.destroy();
});

describe("PyTorch", () => {
  const python = "/usr/bin/python3";
  const available = spawnSync(python, ["-c", "import torch"]).status === 0;

  (available ? test : test.skip)(
    `loads a saved file${available ? "" : " (python3-torch is not installed here)"}`,
    async () => {
      const network = await createNetwork(linearPlan(), { device: opened.device, seed: 6 });
      const { images, labels } = linearData(4);
      network.trainStep(images, labels);
      const folder = mkdtempSync(join(tmpdir(), "cnnc-weights-"));
      try {
        const file = join(folder, "linear.safetensors");
        writeFileSync(file, await network.save());
        const reader = join(import.meta.dirname, "../support/readStateDict.py");
        const { stdout, stderr } = spawnSync(python, [reader, file], { encoding: "utf8" });
        expect(stderr).toBe("");
        const listed = JSON.parse(stdout) as Record<string, { dtype: string; shape: number[]; values: number[] }>;
        const state = await network.stateDict();
        for (const [name, values] of Object.entries(state)) {
          expect(listed[name]?.dtype).toBe("torch.float32");
          expect(listed[name]?.shape).toEqual(network.parameter(name).shape);
          expect(Float32Array.from(listed[name]?.values ?? [])).toEqual(values);
        }
        expect(listed["norm.num_batches_tracked"]).toEqual({ dtype: "torch.int64", shape: [], values: [1] });
      } finally {
        rmSync(folder, { recursive: true });
        network.destroy();
      }
    },
  );

  (available ? test : test.skip)("and the runtime load each other's files, and predict the same", async () => {
    const { plan } = compileText(`model Net {
  input 1 x 5 x 5
  conv(3, kernel: 3) -> batch_norm -> relu -> flatten -> linear(4)
}
train Net { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 2 }`);
    const network = await createNetwork(plan, { device: opened.device });
    const folder = mkdtempSync(join(tmpdir(), "cnnc-weights-"));
    const file = join(folder, "net.safetensors");
    const script = join(import.meta.dirname, "../support/stateDictBothWays.py");
    const torch = (word: string): readonly number[] => {
      const { stdout, stderr } = spawnSync(python, [script, word, file], { encoding: "utf8" });
      expect(stderr).toBe("");
      return JSON.parse(stdout) as number[];
    };
    const images = Float32Array.from({ length: 50 }, (_, i) => (i % 7) / 7);
    const expectSame = (actual: ArrayLike<number>, expected: readonly number[]): void => {
      expect(actual).toHaveLength(expected.length);
      for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 5);
    };
    try {
      const theirs = torch("write");
      await network.load(new Uint8Array(readFileSync(file)));
      expectSame(await network.predict(images), theirs);
      await network.trainStep(images, [1, 3]).metrics();
      writeFileSync(file, await network.save());
      const trained = await network.predict(images);
      expect(trained[0]).not.toBeCloseTo(theirs[0] ?? 0, 5);
      expectSame(trained, torch("read"));
    } finally {
      rmSync(folder, { recursive: true });
      network.destroy();
    }
  });
});

test("a tensor may have any name", () => {
  const names = ["__proto__", 'quote"', "back\\slash", "new\nline", "ünï", "constructor"];
  const tensors = new Map<string, StoredTensor>(
    names.map((name, i) => [name, { dtype: "F32", shape: [1], values: Float32Array.of(i) }]),
  );
  const { tensors: read } = parseSafetensors(writeSafetensors(tensors, {}));
  for (const [i, name] of names.entries()) {
    expect([...new Float32Array(read.get(name)?.bytes.slice().buffer ?? new ArrayBuffer())]).toEqual([i]);
  }
});
