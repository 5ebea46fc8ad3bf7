/** `cnnc train`, `eval` and `predict` on an adapter, with a network so small that a run takes seconds. */
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readSafetensors } from "../../compiler/verify/readSafetensors.ts";
import { readRun } from "../../compiler/training/runFiles.ts";
import { readLog } from "../../compiler/training/trainingLog.ts";
import { writeSafetensors } from "../../runtime/index.ts";
import { smallDataset } from "../support/idxFile.ts";
import { runCnnc, type CliResult } from "../support/runCnnc.ts";
import { temporaryFolder, writeInto } from "../support/temporaryFolder.ts";

const spec = `model Tiny(hidden = 6, classes = 10) {
  input 1 x 10 x 10
  conv(2, kernel: 3, stride: 2) -> relu
  flatten
  linear(hidden) -> relu as hidden_layer
  linear(classes)
}
train Tiny as tune { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 16  freeze conv1 }
train Tiny { data fashion_mnist  optimizer sgd(lr: 0.1, momentum: 0.9)  batch 16  epochs 3  seed 3 }
train Tiny as wild { data fashion_mnist  optimizer sgd(lr: 1e30)  batch 16  epochs 3 }
train Tiny as cifar { data cifar10  optimizer sgd(lr: 0.1)  batch 16 }
`;
const folder = temporaryFolder({ "tiny.cnn": spec });
writeInto(join(folder, "images"), smallDataset(200, 50, 10));
writeInto(join(folder, "wrong size"), smallDataset(20, 10, 9));

const train = (...args: readonly string[]): Promise<CliResult> =>
  runCnnc(["train", "tiny.cnn", "--data", "images", ...args], { cwd: folder });

interface LoggedStep {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
}

/** The steps of a run's log, without what depends on the clock. */
function stepsOf(out: string): readonly LoggedStep[] {
  const lines = readFileSync(join(folder, out, "log.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as LoggedStep).filter(({ kind }) => kind === "step");
}

const minutes = 5 * 60_000;

test(
  "a run leaves module, weights, checkpoint, log and picture, and eval and predict take its weights",
  async () => {
    const { code, out, error } = await train("--out", "run", "--epochs", "12");
    expect([code, error.includes("error:")]).toEqual([0, false]);
    expect(out).toContain("images: 200 train and 50 test images");
    expect(out).toMatch(/^adapter: .*(software|hardware)/m);
    expect(out).toMatch(/^epoch 12\/12 +train loss \d\.\d{4} accuracy/m);
    const accuracy = /^test accuracy (\d+\.\d) %$/m.exec(out)?.[1];
    expect(Number(accuracy)).toBeGreaterThan(50);
    for (const file of ["tiny.ts", "weights.safetensors", "checkpoints", "log.jsonl", "loss.svg"]) {
      expect(existsSync(join(folder, "run", file))).toBe(true);
      expect(out).toContain(join("run", file));
    }
    expect(stepsOf("run")).toHaveLength(12 * 13);
    expect(readFileSync(join(folder, "run/steps.csv"), "utf8").trimEnd().split("\n")).toHaveLength(1 + 12 * 13);
    const best = readLog(join(folder, "run/log.jsonl")).filter((entry) => entry.kind === "epoch");
    const lowest = best.findIndex(({ testLoss }) => testLoss === Math.min(...best.map((entry) => entry.testLoss)));
    const kept = [10, 11, 12, lowest + 1].map((epoch) => `step-${String(epoch * 13).padStart(8, "0")}.safetensors`);
    expect(readdirSync(join(folder, "run/checkpoints"))).toEqual([...new Set(kept)].sort());
    const described = readRun(join(folder, "run"));
    expect(described).toMatchObject({ model: "Tiny", batch: 16, epochs: 12, seed: 3, module: "tiny.ts" });
    expect(described.sources.map(({ path }) => path)).toEqual(["tiny.cnn"]);

    const rest = ["tiny.cnn", "--data", "images", "--weights", "run/weights.safetensors"];
    const evaluated = await runCnnc(["eval", ...rest], { cwd: folder });
    expect(evaluated.out).toContain(`test accuracy ${accuracy} %`);
    const checkpoint = ["--weights", "run/checkpoints/step-00000156.safetensors"];
    expect(await runCnnc(["eval", ...rest.slice(0, 3), ...checkpoint], { cwd: folder })).toEqual(evaluated);
    const predicted = await runCnnc(["predict", ...rest, "--images", "0-2,7", "--top", "2"], { cwd: folder });
    expect(predicted.out).toMatch(/^image 7 /m);
    expect(predicted.out.trimEnd().split("\n")).toHaveLength(4);
    const features = await runCnnc(["predict", ...rest, "--images", "3,4", "--value", "hidden_layer"], { cwd: folder });
    const value = JSON.parse(features.out) as { shape: number[]; images: { image: number; values: number[] }[] };
    expect([features.code, value.shape, value.images.map(({ image }) => image)]).toEqual([0, [6], [3, 4]]);
    // The last layer of these features is what the network predicts.
    const stored = readSafetensors(new Uint8Array(readFileSync(join(folder, "run/weights.safetensors"))), "run");
    const [weight, bias] = [stored.get("linear2.weight")!.values, stored.get("linear2.bias")!.values];
    const logits = Array.from(bias, (b, o) =>
      value.images[0]!.values.reduce((sum, x, i) => sum + x * weight[o * 6 + i]!, b),
    );
    const top = await runCnnc(["predict", ...rest, "--images", "3", "--top", "1", "--json"], { cwd: folder });
    const { predictions } = JSON.parse(top.out) as { predictions: { classes: { name: string }[] }[] };
    const names = [
      "t-shirt",
      "trouser",
      "pullover",
      "dress",
      "coat",
      "sandal",
      "shirt",
      "sneaker",
      "bag",
      "ankle boot",
    ];
    expect(predictions[0]!.classes[0]!.name.toLowerCase()).toContain(names[logits.indexOf(Math.max(...logits))]!);
    const unnamed = await runCnnc(["predict", ...rest, "--value", "stem"], { cwd: folder });
    expect([unnamed.code, unnamed.error]).toEqual([
      2,
      expect.stringContaining("has no such value or layer; it has hidden_layer"),
    ]);
    const beyond = await runCnnc(["predict", ...rest, "--images", "50"], { cwd: folder });
    expect([beyond.code, beyond.error]).toEqual([2, expect.stringContaining("the test images are 0 to 49")]);

    const other = ["--set", "hidden=7", ...rest];
    const foreign = await runCnnc(["eval", ...other], { cwd: folder });
    expect([foreign.code, foreign.error]).toEqual([1, expect.stringContaining("linear1.weight")]);
    writeFileSync(join(folder, "cut.safetensors"), readFileSync(join(folder, "run/weights.safetensors")));
    truncateSync(join(folder, "cut.safetensors"), 900);
    const cut = await runCnnc(["eval", ...rest.slice(0, -1), "cut.safetensors"], { cwd: folder });
    expect([cut.code, cut.error]).toEqual([1, expect.stringContaining("truncated")]);
  },
  minutes,
);

describe("--resume", () => {
  test(
    "after Ctrl-C in the middle of an epoch it goes on to the losses of an uninterrupted run",
    async () => {
      expect((await train("--out", "whole", "--epochs", "8")).code).toBe(0);
      let steps = 0;
      const interrupted = await runCnnc(
        ["train", "tiny.cnn", "--data", "images", "--out", "parts", "--epochs", "8", "--json"],
        { cwd: folder, onLine: (line) => (line.includes('"kind":"step"') && ++steps === 32 ? "SIGINT" : undefined) },
      );
      expect(interrupted.code).toBe(130);
      const before = stepsOf("parts").length;
      expect(before).toBeGreaterThanOrEqual(32);
      expect(before).toBeLessThan(8 * 13);
      const resumed = await train("--out", "parts", "--epochs", "8", "--resume");
      expect(resumed.code).toBe(0);
      expect(resumed.out).toContain("resuming after");
      expect(stepsOf("parts")).toEqual(stepsOf("whole"));
    },
    minutes,
  );

  test(
    "without a checkpoint it starts anew and says so; with one of another spec it says what differs",
    async () => {
      const first = await train("--out", "fresh", "--epochs", "1", "--resume");
      expect([first.code, first.out]).toEqual([0, expect.stringContaining("training starts anew")]);
      const module = readFileSync(join(folder, "fresh/tiny.ts"), "utf8");
      const other = await train("--out", "fresh", "--epochs", "2", "--resume", "--set", "hidden=9");
      expect(other.code).toBe(1);
      expect(other.error).toContain("model parameter hidden: 6 in the checkpoint, 9 now");
      expect(other.error).toContain("tensor linear1.weight: 6x32 in the checkpoint, 9x32 now");
      // The run keeps the module that its weights are of.
      expect(readFileSync(join(folder, "fresh/tiny.ts"), "utf8")).toBe(module);
      const seeded = await train("--out", "fresh", "--epochs", "2", "--resume", "--seed", "4");
      expect(seeded.error).toContain("seed: 3 in the checkpoint, 4 now");
      // As many images, but others.
      const others = smallDataset(200, 50, 10);
      others["train-images-idx3-ubyte"]![16]! ^= 1;
      writeInto(join(folder, "other images"), others);
      const moved = ["tiny.cnn", "--out", "fresh", "--epochs", "2", "--resume", "--data"];
      const foreign = await runCnnc(["train", ...moved, "other images"], { cwd: folder });
      expect([foreign.code, foreign.error]).toEqual([
        1,
        expect.stringMatching(/sampled training images \(hash\): \w+ in the/),
      ]);
      expect(foreign.error).not.toContain("labels");
      writeInto(join(folder, "moved images"), smallDataset(200, 50, 10));
      expect((await runCnnc(["train", ...moved, "moved images"], { cwd: folder })).code).toBe(0);
      rmSync(join(folder, "fresh/checkpoints/step-00000026.safetensors"));
      const again = await train("--out", "fresh", "--epochs", "2");
      expect([again.code, again.error]).toEqual([1, expect.stringContaining("fresh holds a run of 13 steps already")]);
      truncateSync(join(folder, "fresh/checkpoints/step-00000013.safetensors"), 1000);
      const cut = await train("--out", "fresh", "--epochs", "2", "--resume");
      expect([cut.code, cut.out]).toEqual([0, expect.stringContaining("step-00000013.safetensors is damaged")]);
      expect(cut.out).toContain("resuming after 0 epochs");
      const anew = await train("--out", "fresh", "--epochs", "1", "--overwrite");
      expect([anew.code, stepsOf("fresh").length]).toEqual([0, 13]);
      rmSync(join(folder, "fresh/checkpoints"), { recursive: true });
      const kept = await train("--out", "fresh", "--epochs", "1");
      expect([kept.code, kept.error]).toEqual([1, expect.stringContaining("fresh/best.safetensors holds the weights")]);
      const wild = await train("--out", "fresh", "--recipe", "wild", "--overwrite");
      expect([wild.code, existsSync(join(folder, "fresh/best.safetensors"))]).toEqual([1, false]);
    },
    minutes,
  );
});

test(
  "--init-from takes what fits, by names that a file gives, and freeze keeps it",
  async () => {
    expect((await train("--out", "base", "--epochs", "1")).code).toBe(0);
    const from = ["--init-from", "base/weights.safetensors", "--set", "classes=12", "--epochs", "1"];
    const tuned = await train("--out", "tuned", "--recipe", "tune", ...from);
    expect([tuned.code, tuned.out]).toEqual([
      0,
      expect.stringContaining(
        "4 of 6 tensors from base/weights.safetensors; not loaded: linear2.weight (10 x 6 in the file, 12 x 6 here)",
      ),
    ]);
    expect(tuned.out).toContain("warning: Tiny has 12 classes, and the labels of the data are 0 to 9");
    const fewer = await train("--out", "fewer", "--set", "classes=3");
    expect([fewer.code, fewer.error]).toEqual([
      1,
      expect.stringContaining("Tiny has 3 classes, but the data set has 10: --set classes=10 makes them fit"),
    ]);
    const values = (run: string) =>
      readSafetensors(new Uint8Array(readFileSync(join(folder, run, "weights.safetensors"))), run);
    const [before, after] = [values("base"), values("tuned")];
    expect(after.get("conv1.weight")).toEqual(before.get("conv1.weight"));
    expect(after.get("linear1.weight")).not.toEqual(before.get("linear1.weight"));
    writeInto(folder, { "names.json": JSON.stringify({ conv1: null, linear1: "linear1", linear2: "nowhere" }) });
    const named = await train("--out", "named", "--names", "names.json", ...from);
    expect(named.out).toContain("2 of 6 tensors");
    const tensor = (name: string, ours: string) => {
      const { shape, values } = before.get(ours)!;
      return [name, { dtype: "F32", shape, values: Float32Array.from(values) }] as const;
    };
    const theirs = ["features.0 conv1", "classifier.1 linear1", "classifier.4 linear2"].flatMap((pair) => {
      const [name, own] = pair.split(" ");
      return ["weight", "bias"].map((part) => tensor(`${name}.${part}`, `${own}.${part}`));
    });
    writeInto(folder, { "theirs.safetensors": writeSafetensors(new Map(theirs), {}) });
    const tested = (command: string, file: string, ...more: readonly string[]) =>
      runCnnc([command, "tiny.cnn", "--data", "images", "--weights", file, ...more], { cwd: folder });
    const names = ["--names", "torchvision"];
    const own = await tested("eval", "base/weights.safetensors");
    // A file under the network's names may stand beside one under others.
    const both = await tested("eval", "theirs.safetensors", "--weights", "base/weights.safetensors", ...names);
    expect([both.code, both.out]).toEqual([0, own.out]);
    const hinted = await tested("predict", "theirs.safetensors");
    expect([hinted.code, hinted.error]).toEqual([1, expect.stringContaining("torchvision's: --names torchvision")]);
    const partly = await tested("predict", "theirs.safetensors", "--set", "classes=12", ...names);
    expect([partly.code, partly.error]).toEqual([
      1,
      expect.stringMatching(
        /theirs.safetensors: prediction needs all of them: 4 of 6 tensors .*linear2.weight \(10 x 6 in/,
      ),
    ]);
    const unnamed = await train("--out", "unnamed", "--init-from", "theirs.safetensors");
    expect([unnamed.code, unnamed.error]).toEqual([
      1,
      expect.stringContaining("the file's names are torchvision's: --names torchvision"),
    ]);
    const foreign = await train("--out", "foreign", "--names", "torchvision", ...from);
    expect([foreign.code, foreign.error]).toEqual([1, expect.stringContaining("is no layer of torchvision's")]);
  },
  minutes,
);

describe("what cannot be trained", () => {
  test.each([
    [["--init-from", "tiny.cnn"], "tiny.cnn: these weights cannot be read"],
    [["--recipe", "wild"], "The first value that is not finite is infinite, of linear2 in the forward pass of step 2"],
    [["--recipe", "cifar"], "cifar10 was not found in images"],
    [["--recipe", "absent"], "absent"],
    [["--data", "wrong size"], "takes images of 1x10x10, but the data set's are 1x9x9: `resize 10`"],
  ])(
    "%j",
    async (args, message) => {
      const { code, error } = await train("--out", "none", ...args);
      expect(error).toContain(message);
      expect(code).toBe(1);
    },
    minutes,
  );
});

test(
  "verify exits with 1 and says MISS where the numbers are others",
  async () => {
    const source = join(import.meta.dirname, "../conformance/cases/linear.json");
    const text = readFileSync(source, "utf8").replace(
      /"loss": (-?[\d.]+),(?=\n)/,
      (_, loss: string) => `"loss": ${Number(loss) + 1},`,
    );
    writeInto(folder, {
      "linear.json": text,
      "linear.safetensors": readFileSync(source.replace(".json", ".safetensors")),
    });
    const file = join(import.meta.dirname, "../conformance/specs/linear.cnn");
    const right = await runCnnc(["verify", file, "--case", source], { cwd: folder });
    expect([right.code, right.out]).toEqual([0, expect.stringMatching(/^linear: ok, on /m)]);
    expect(right.out).toMatch(/^grads +error \d\.\de-\d+ +tolerance 1\.0e-4 +ok/m);
    const wrong = await runCnnc(["verify", file, "--case", "linear.json"], { cwd: folder });
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/^loss +error \S+ +tolerance 1\.0e-4 +MISS/m);
    const foreign = await runCnnc(["verify", "tiny.cnn", "--case", source], { cwd: folder });
    expect([foreign.code, foreign.error]).toEqual([
      1,
      expect.stringContaining("Tiny is not the network of case linear"),
    ]);
  },
  minutes,
);
