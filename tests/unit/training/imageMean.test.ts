/** Weights and the mean of their training images: whose mean counts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { loadWithMean } from "../../../compiler/training/imageMean.ts";
import type { OpenNetwork } from "../../../compiler/training/openNetwork.ts";
import { writeSafetensors } from "../../../runtime/safetensors.ts";
import { compileText } from "../../support/compileText.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const { plan } = compileText(
  'model Net { input 1 x 2 x 2 flatten -> linear(3) }\ntrain Net { data arrays("x.npy", "y.npy") { subtract mean_channel } optimizer sgd(lr: 0.1) }',
  { imageSource: { shape: [1, 2, 2], dtype: "u8" } },
);
const folder = temporaryFolder({});
const file = join(folder, "mean.safetensors");
writeFileSync(
  file,
  writeSafetensors(new Map([["mean", { dtype: "F32", shape: [1], values: Float32Array.of(0.5) }]]), { format: "pt" }),
);
const source = {
  file,
  dataset: () => {
    throw new Error("the mean is in a file: nobody need open the data");
  },
  data: { source: { kind: "arrays", images: "x.npy", labels: "y.npy" }, subtract: "mean_channel", augment: [] },
  note: () => undefined,
} as const;

/** A network whose weights hold the mean `own`, if any. */
function opened(
  own?: number,
): { readonly network: { imageMean: Float32Array | undefined } } & Pick<OpenNetwork, "network"> {
  const network = {
    plan,
    imageMean: undefined as Float32Array | undefined,
    load: () => {
      if (own !== undefined) network.imageMean = Float32Array.of(own);
      return Promise.resolve();
    },
    setImageMean: (values: Float32Array) => {
      network.imageMean = values;
    },
  };
  return { network } as never;
}

const weights = { path: "w.safetensors", content: new Uint8Array() };

test("the mean that weights hold is not overwritten by that of the run", async () => {
  const withMean = opened(0.25);
  expect(await loadWithMean(withMean, weights, source)).toBeUndefined();
  expect([...(withMean.network.imageMean ?? [])]).toEqual([0.25]);
});

test("weights without one take the file's", async () => {
  const without = opened();
  expect([...((await loadWithMean(without, weights, source)) ?? [])]).toEqual([0.5]);
  expect([...(without.network.imageMean ?? [])]).toEqual([0.5]);
});

test("weights that do not fit are named", async () => {
  const broken = { network: { load: () => Promise.reject(new Error("no")) } } as never;
  await expect(loadWithMean(broken, weights, source)).rejects.toThrow("w.safetensors: no");
});
