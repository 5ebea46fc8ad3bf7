/** A compiled network on this machine's adapter, in the terms of the training loop. */
import { createNetwork, type Network, type ProgramName } from "cnnc/runtime";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { openDevice } from "../node/adapter.ts";
import type { TrainedNetwork } from "./trainNetwork.ts";
import { shapeElements } from "../ir/graph.ts";

export interface OpenNetwork extends TrainedNetwork {
  /** The adapter in words. */
  readonly description: string;
  readonly network: Network;
  /** The run's own notes travel in the file. */
  saveCheckpoint(notes: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>>;
  loadCheckpoint(file: Uint8Array<ArrayBuffer>): Promise<void>;
  saveWeights(): Promise<Uint8Array<ArrayBuffer>>;
  loadWeights(file: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Why the device was lost; undefined while it is there. */
  lost(): Promise<string | undefined>;
  /** Frees the device; safe to call twice. */
  close(): void;
}

export interface OpenNetworkOptions {
  readonly seed?: number;
  readonly programs?: readonly ProgramName[];
  /** What to ask the adapter for; the largest buffers that it allows by default. */
  readonly descriptor?: GPUDeviceDescriptor;
}

/** Sets the momentum from the next step on: Adam's is its first beta. */
export function setMomentum(network: Network, momentum: number): void {
  const isAdam = network.plan.uniforms.some(({ name }) => name === "beta1");
  network.setUniform(isAdam ? "beta1" : "momentum", momentum);
}

/** How long to wait for the news that a device is lost, after work on it failed. */
const lossMilliseconds = 500;

/** Opens a device and puts the network on it, with first weights drawn from the seed (default: the recipe's). */
export async function openNetwork(plan: NetworkPlan, options: OpenNetworkOptions = {}): Promise<OpenNetwork> {
  const { descriptor, ...rest } = options;
  const { requiredFeatures } = plan;
  const opened = await openDevice({ requiredFeatures, ...(descriptor !== undefined && { descriptor }) });
  let [lost, closed]: [string | undefined, boolean] = [undefined, false];
  void opened.device.lost.then(({ reason, message }) => {
    lost ??= message || reason;
  });
  try {
    const network = await createNetwork(plan, { device: opened.device, ...rest });
    return {
      description: opened.description,
      network,
      batch: plan.batch,
      classes: shapeElements(plan.outputShape),
      trainStep: async (images, labels, rate, momentum) => {
        network.setRate(rate);
        if (momentum !== undefined) setMomentum(network, momentum);
        const step = network.trainStep(images, labels);
        const { loss, accuracy } = await step.metrics();
        return { loss, correct: Math.round(accuracy * step.count) };
      },
      batchesAtOnce: 2,
      logits: (images) => network.predict(images),
      saveCheckpoint: (notes) => network.saveCheckpoint(notes),
      loadCheckpoint: async (file) => {
        await network.loadCheckpoint(file);
      },
      saveWeights: () => network.save(),
      loadWeights: (file) => network.load(file),
      lost: async () => {
        // What waited on the device may hear of it a moment before.
        await Promise.race([opened.device.lost, new Promise((resolve) => setTimeout(resolve, lossMilliseconds))]);
        return lost;
      },
      close: () => {
        if (closed) return;
        closed = true;
        network.destroy();
        opened.device.destroy();
      },
    };
  } catch (error) {
    opened.device.destroy();
    throw error;
  }
}
