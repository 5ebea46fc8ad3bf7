/** One process of the bench, in Node or in Deno: the best matrix product of this adapter. Arguments: one JSON object. */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { cpuSeconds, openProcessGpu } from "./inProcess.mjs";
import { matmulFeatures, multiplyMatrices } from "./multiplyMatrices.mjs";

const { root, result } = JSON.parse(process.argv[2]);
const { adapter, description, software } = await openProcessGpu(root);
const rates = await multiplyMatrices(
  await adapter.requestDevice({ requiredFeatures: matmulFeatures(adapter) }),
  cpuSeconds,
);
writeFileSync(result, JSON.stringify({ rates, adapter: description, software }));
process.exit(0);
