/** Runs whose device is lost, and whose numbers go wrong. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { memorySet, type ImageSet } from "../../compiler/datasets/imageSet.ts";
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
