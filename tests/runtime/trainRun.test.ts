/** Runs whose device is lost, and whose numbers go wrong. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { memorySet, type ImageSet } from "../../compiler/datasets/imageSet.ts";
import { bestEpoch } from "../../compiler/report/runFacts.ts";
import { readCheckpoint } from "../../compiler/training/checkpointFile.ts";
import { identityOf, type RunIdentity } from "../../compiler/training/runIdentity.ts";
import { inputsAt } from "../../compiler/training/trainNetwork.ts";
import { parseSafetensors } from "../../runtime/index.ts";
import { runFiles } from "../../compiler/training/runFiles.ts";
import { openNetwork, type OpenNetwork } from "../../compiler/training/openNetwork.ts";
import type { ProgressView } from "../../compiler/training/progressView.ts";
import { trainRun, type RunOptions } from "../../compiler/training/trainRun.ts";
import { readLog, type StepEntry } from "../../compiler/training/trainingLog.ts";
import { compileText } from "../support/compileText.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const imageSource = { shape: [1, 4, 4], dtype: "u8", mixed: false } as const;
const spec = `model Net {
  input 1 x 4 x 4
  conv(2, kernel: 3, bias: false) -> batch_norm -> relu
  flatten
  dropout(0.3) -> linear(3)
}
train Net { data fashion_mnist  optimizer sgd(lr: 0.1, momentum: 0.9)  batch 8  epochs 3 }`;
const { plan, recipe } = compileText(spec, { imageSource });

const programs = ["training", "trainingBytes", "inference", "inferenceBytes"] as const;
const images = (count: number): ImageSet =>
  memorySet({
    count,
    channels: 1,
    height: 4,
    width: 4,
    pixels: Uint8Array.from({ length: count * 16 }, (_, i) => (i * 97) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
  });
const folder = temporaryFolder({});
const notes: string[] = [];
const view: ProgressView = {
  onStep: () => undefined,
  onEvaluation: () => undefined,
  onEpoch: () => undefined,
  note: (text) => notes.push(text),
  close: () => undefined,
};

function run(name: string, more: Partial<RunOptions> = {}): ReturnType<typeof trainRun> {
  return trainRun({
    files: runFiles(join(folder, name)),
    identity: {
      model: "Net",
      recipe: "",
      settings: {},
      parameters: {},
      seed: 1,
      batch: 8,
      images: 44,
      graph: "",
      training: {},
    },
    recipe: recipe!,
    dataset: { description: "small", classNames: ["a", "b", "c"], train: images(44), test: images(9) },
    batch: 8,
    epochs: 3,
    seed: 1,
    resume: false,
    keep: 2,
    checkpointSteps: 4,
    title: "Net",
    open: () => openNetwork(plan, { seed: 1, programs }),
    openUnfused: () => openNetwork(compileText(spec, { imageSource, fuse: false }).plan, { programs: ["training"] }),
    view,
    signal: new AbortController().signal,
    now: () => performance.now(),
    ...more,
  });
}

const stepsOf = (name: string): readonly StepEntry[] =>
  readLog(runFiles(join(folder, name)).log).filter((entry) => entry.kind === "step");

/** Opens networks whose device is lost at the given steps of each, one list entry a network. */
function openThatLoses(lossAt: number[]): () => Promise<OpenNetwork> {
  return async () => {
    const opened = await openNetwork(plan, { seed: 1, programs });
    const at = lossAt.shift();
    let steps = 0;
    return {
      ...opened,
      trainStep: (...given) => {
        if (++steps === at) opened.network.device.destroy();
        return opened.trainStep(...given);
      },
    };
  };
}

test("a lost device is opened again, and training goes on to the same losses", async () => {
  expect((await run("whole")).outcome).toBe("finished");
  expect(stepsOf("whole")).toHaveLength(18);
  const result = await run("lost", { open: openThatLoses([6, 9]) });
  expect(result.outcome).toBe("finished");
  expect(stepsOf("lost")).toEqual(stepsOf("whole"));
  expect(readLog(runFiles(join(folder, "lost")).log).filter(({ kind }) => kind === "lost")).toHaveLength(2);
  expect(notes.filter((note) => note.includes("the device was lost"))).toHaveLength(2);
});

test("a recipe with other numbers is refused with what they were, and accepted goes on from the state of weights and optimizer", async () => {
  const dataset = { description: "small", classNames: ["a", "b", "c"], train: images(44), test: images(9) };
  const identityOfSpec = (text: string): Promise<RunIdentity> => {
    const network = compileText(text, { imageSource });
    return identityOf(network, network.recipe!, dataset, { seed: 1, epochs: 3 });
  };
  const interruption = new AbortController();
  const opened = async (): Promise<OpenNetwork> => {
    const network = await openNetwork(plan, { seed: 1, programs });
    let steps = 0;
    const trainStep: OpenNetwork["trainStep"] = (...given) => {
      if (++steps === 8) interruption.abort();
      return network.trainStep(...given);
    };
    return { ...network, trainStep };
  };
  const identity = await identityOfSpec(spec);
  expect((await run("changed", { identity, open: opened, signal: interruption.signal })).outcome).toBe("interrupted");
  const before = stepsOf("changed");
  expect(before).toEqual(stepsOf("whole").slice(0, 8));

  const written = spec.replace("lr: 0.1, momentum: 0.9", "lr: 0.05, momentum: 0.5, weight_decay: 0.01");
  const other = compileText(written, { imageSource });
  const more = {
    ...{ identity: await identityOfSpec(written), recipe: other.recipe!, resume: true },
    open: () => openNetwork(other.plan, { seed: 1, programs }),
  };
  await expect(run("changed", more)).rejects.toThrow(
    /step-00000008\.safetensors is of this network, but not of this recipe and data:\n {2}- optimizer lr: 0\.1 in the checkpoint, 0\.05 now\n {2}- optimizer momentum: 0\.9 in the checkpoint, 0\.5 now\n {2}- optimizer weight_decay: 0 in the checkpoint, 0\.01 now\n--accept-changes goes on/,
  );
  const path = join(folder, "changed/checkpoints/step-00000008.safetensors");
  const held = parseSafetensors(readFileSync(path)).tensors;
  await run("changed", { ...more, keep: 9, acceptChanges: true });
  const start = readCheckpoint(path)!;
  expect([start.identity, parseSafetensors(start.file).tensors]).toEqual([more.identity, held]);
  // The same by hand: the state of step 8, the numbers of the recipe now.
  const byHand = await openNetwork(other.plan, { seed: 1, programs });
  await byHand.loadCheckpoint(start.file);
  byHand.network.setUniform("momentum", 0.5);
  byHand.network.setUniform("weight_decay", 0.01);
  let position = start.position;
  for (const step of stepsOf("changed").slice(8, 11)) {
    const inputs = { dataset, batch: 8, seed: 1, rateAt: () => 0.05 };
    const { images: raw, labels } = await inputsAt(inputs, position);
    expect([step.rate, step.loss]).toEqual([0.05, (await byHand.trainStep(raw, labels, 0.05)).loss]);
    position = { ...position, step: position.step + 1, stepInEpoch: position.stepInEpoch + 1 };
  }
  byHand.close();
  expect(stepsOf("changed")).toHaveLength(18);
  expect(stepsOf("changed").slice(9)).not.toEqual(stepsOf("whole").slice(9));
  const starts = readLog(runFiles(join(folder, "changed")).log).filter(({ kind }) => kind === "start");
  expect(starts.at(-1)).toMatchObject({ changes: [expect.stringMatching(/^optimizer lr/), expect.any(String), expect.any(String)] }); // prettier-ignore

  // Other data: the losses of before stop nothing, and the best weights of before are no longer the best.
  const best = readFileSync(join(folder, "changed/best.safetensors"));
  const others = { ...dataset, test: images(7) };
  const moved = {
    ...{ ...more, dataset: others, acceptChanges: true, epochs: 5 },
    identity: await identityOf(other, other.recipe!, others, { seed: 1, epochs: 5 }),
    recipe: { ...other.recipe!, earlyStopPatience: 1 },
  };
  const entries = (await run("changed", moved)).entries;
  expect(entries.filter(({ kind }) => kind === "epoch").length).toBeGreaterThan(3);
  expect(entries.findLast(({ kind }) => kind === "start")).toMatchObject({ measuresAnew: true });
  expect(readFileSync(join(folder, "changed/best-before-step-19.safetensors"))).toEqual(best);
  expect(bestEpoch(entries)?.epoch).toBeGreaterThan(3);
  expect(readFileSync(join(folder, "changed/best.safetensors"))).not.toEqual(best);
});

test("a device that is lost again and again before the next checkpoint stops the run, which may be resumed", async () => {
  await expect(run("unlucky", { open: openThatLoses([2, 2, 2, 2]) })).rejects.toThrow(
    /It was lost 3 times without a new checkpoint in between.*step-00000000\.safetensors, and --resume goes on/,
  );
  await run("unlucky", { resume: true });
  expect(stepsOf("unlucky")).toEqual(stepsOf("whole"));
});

test("a loss that is not finite names the step, the layer and the last good checkpoint", async () => {
  const wild = { ...recipe!, optimizer: { ...recipe!.optimizer, args: { ...recipe!.optimizer.args, lr: 3e38 } } };
  const failed = run("wild", { recipe: wild, checkpointSteps: 1 });
  await expect(failed).rejects.toThrow(
    /step \d+.*\. The last good checkpoint is .*checkpoints.step-\d{8}\.safetensors/,
  );
  const last = readLog(runFiles(join(folder, "wild")).log).at(-1);
  expect(last?.kind === "failed" && last.layer).toMatch(/conv1|batch_norm1|linear1|relu1/);
});

test("the layer is found behind a relu and a max pooling, which may make numbers of its values again", async () => {
  const hiding = `model Net { input 1 x 4 x 4  conv(2, kernel: 3, bias: false) -> relu -> max_pool(2) -> flatten -> linear(3) }
train Net { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 8 }`;
  const layerOf = async (isFused: boolean): Promise<unknown> => {
    const openOf = (fuse: boolean) => async (): Promise<OpenNetwork> => {
      const opened = await openNetwork(compileText(hiding, { imageSource, fuse }).plan, { programs });
      // The first channel is minus infinity, of which relu makes 0; the loss is not finite because of the last layer.
      const weight = Array.from({ length: 18 }, (_, i) => (i < 9 ? -3e38 : 1));
      opened.network.parameter("conv1.weight").write(weight);
      const { shape } = opened.network.parameter("linear1.weight");
      opened.network.parameter("linear1.weight").write(new Float32Array(shape[0]! * shape[1]!).fill(3e38));
      return opened;
    };
    const name = `hiding ${isFused}`;
    const failed = run(name, { open: openOf(true), openUnfused: openOf(isFused) });
    await expect(failed).rejects.toThrow("The first value that is not finite is");
    const last = readLog(runFiles(join(folder, name)).log).at(-1);
    return last?.kind === "failed" && last.layer;
  };
  expect(await layerOf(false)).toBe("conv1");
  // What the fused kernels alone would tell.
  expect(await layerOf(true)).toBe("linear1");
});
