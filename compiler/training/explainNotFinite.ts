/**
 * Where a loss that is not finite comes from. The run is repeated on a fresh network from its last checkpoint up to the step
 * before the loss; then the kernels of that step, and of the bad one, run one by one until a value is not finite. Values are looked at
 * on the host, by their bits, and those between fused ops too: a relu or a max pooling may make a number of a NaN again. So the
 * kernels are those of the network compiled without fusing, which takes over the state of the one that was trained.
 */
import { NetworkError, type NotFinite } from "cnnc/runtime";
import type { StoredCheckpoint } from "./checkpointStore.ts";
import type { OpenNetwork } from "./openNetwork.ts";
import { inputsAt, type InputOptions, type NotFiniteError, type TrainingPosition } from "./trainNetwork.ts";

export interface Explanation {
  /** The layer or layers of the first kernel that gave the value; null where it is a weight's. */
  readonly layer: string | null;
  readonly sentence: string;
}

/** The first layer whose values are not finite; undefined where all are this time. */
export async function explainNotFinite(
  { position }: NotFiniteError,
  checkpoint: StoredCheckpoint,
  options: InputOptions,
  open: () => Promise<OpenNetwork>,
  openUnfused: () => Promise<OpenNetwork>,
): Promise<Explanation | undefined> {
  const opened = await open();
  const unfused = openedOnce(openUnfused);
  try {
    await opened.loadCheckpoint(checkpoint.file);
    // The step before counts too: its loss may be finite and its gradients not.
    const bad = position.step;
    let at = checkpoint.position;
    for (; at.step <= bad; at = next(at, options, position)) {
      const { images, labels, rate, momentum } = await inputsAt(options, at);
      if (labels.length === 0) continue;
      if (at.step >= bad - 1) {
        const weight = await firstBadWeight(opened);
        if (weight !== undefined) {
          return {
            layer: null,
            sentence: `${weight} is not finite before step ${at.step + 1}: the update of step ${at.step} overflowed.`,
          };
        }
        const found =
          (await unfused.look(opened, images, labels)) ?? (await opened.network.firstNotFinite(images, labels));
        if (found !== undefined) {
          const { kind, isBackward } = found;
          const label = layersOf(found.label);
          const pass = isBackward ? "backward" : "forward";
          return {
            layer: label,
            sentence: `The first value that is not finite is ${kind === "NaN" ? "NaN" : "infinite"}, of ${label} in the ${pass} pass of step ${at.step + 1}.`,
          };
        }
      }
      await opened.trainStep(images, labels, rate, momentum);
    }
    return undefined;
  } finally {
    unfused.close();
    opened.close();
  }
}

/** The network without fusing, opened when it is first looked into. */
interface UnfusedNetwork {
  /** The first layer of the network's next step; undefined where all is finite, or this form is too large for the adapter. */
  look(at: OpenNetwork, ...step: Parameters<OpenNetwork["network"]["firstNotFinite"]>): Promise<NotFinite | undefined>;
  close(): void;
}

function openedOnce(open: () => Promise<OpenNetwork>): UnfusedNetwork {
  let unfused: OpenNetwork | undefined;
  let isTooLarge = false;
  return {
    async look(at, images, labels) {
      if (isTooLarge) return undefined;
      const state = await at.saveCheckpoint({});
      try {
        unfused ??= await open();
        await unfused.loadCheckpoint(state);
        return await unfused.network.firstNotFinite(images, labels);
      } catch (error) {
        if (!(error instanceof NetworkError) || error.kind !== "device") throw error;
        isTooLarge = true;
        return undefined;
      }
    },
    close: () => unfused?.close(),
  };
}

/** Of what a kernel computes, the layers as people name them: at most three. */
function layersOf(label: string): string {
  const parts = label.split(", ");
  const layers = parts.filter((part) => !part.includes(" "));
  return (layers.length > 0 ? layers : parts).slice(0, 3).join(", ");
}

/** The position after one step more; the results of epochs that have ended in the run are known. */
function next(
  position: TrainingPosition,
  { dataset, batch }: InputOptions,
  { testLosses, testAccuracies }: TrainingPosition,
): TrainingPosition {
  const step = position.step + 1;
  const isLast = (position.stepInEpoch + 1) * batch >= dataset.train.count;
  if (!isLast) return { ...position, step, stepInEpoch: position.stepInEpoch + 1 };
  const epoch = position.epoch + 1;
  const known = { testLosses: testLosses.slice(0, epoch), testAccuracies: testAccuracies.slice(0, epoch) };
  return { ...position, step, epoch, stepInEpoch: 0, ...known };
}

async function firstBadWeight({ network }: OpenNetwork): Promise<string | undefined> {
  const values = await network.stateDict();
  return Object.keys(values).find((name) => values[name]?.some((value) => !Number.isFinite(value)));
}
