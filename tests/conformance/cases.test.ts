/** The recorded cases whose layers the shipped networks use, on this machine's adapter; `npm run conformance` runs them all. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { missesOf, runCase } from "../support/conformance.ts";

const folder = join(import.meta.dirname, "cases");

const ops = [
  "conv2d_11x11_s4", "conv2d_1x1", "conv2d_1x7", "conv2d_3x3_p1", "conv2d_3x3_s2_remainder", "conv2d_5x5_p2",
  "conv2d_7x7_s2_p3", "conv2d_dilation2", "conv2d_groups2", "conv2d_nobias", "conv2d_nonsquare", "linear", "linear_nobias",
  "flatten", "relu", "relu_zeros", "sigmoid", "tanh", "softmax", "log_softmax", "log_softmax_nll", "avgpool_2x2_s2",
  "avgpool_3x3_s1_p1", "maxpool_2x2_s2", "maxpool_2x2_s2_remainder", "maxpool_3x3_s1_p1", "maxpool_3x3_s2", "maxpool_ties",
  "cross_entropy", "cross_entropy_large", "cross_entropy_smoothing",
]; // prettier-ignore

const networks = ["lenet", "mnist_cnn"];
const training = ["train_lenet_sgd", "train_mnist_cnn_momentum", "train_mnist_cnn_partial_batch"];
const withoutModel = ["fill_reference", "data_normalize", "data_resize_32", "data_resize_96"];

describe.each([
  ["op", ops],
  ["network", networks],
  ["training", training],
  ["without a model", withoutModel],
])("%s", (_, names) => {
  test.each(names)(
    "%s",
    async (name) => {
      expect(missesOf(await runCase(name))).toEqual([]);
    },
    // A software adapter shares its cores with whatever else the machine does.
    600_000,
  );
});

test("every case of kind op or block has a spec of its own", () => {
  const specs = new Set(readdirSync(join(import.meta.dirname, "specs")).map((name) => name.replace(/\.cnn$/, "")));
  const cases = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const needed = cases.flatMap((file) => {
    const { kind, name } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { kind: string; name: string };
    return kind === "op" || kind === "block" ? [name] : [];
  });
  expect(needed.length).toBeGreaterThan(40);
  expect(needed.filter((name) => !specs.has(name))).toEqual([]);
});
