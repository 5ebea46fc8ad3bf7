/** One worker of the page: asks for the adapter, multiplies matrices, or takes one entry's steps, and says what it found. */
/* global location, postMessage, addEventListener, navigator */
import { randomStream, drawInitial } from "../../runtime/index.ts";
import { drawData } from "../drawData.mjs";
import { matmulFeatures, multiplyMatrices } from "../multiplyMatrices.mjs";
import { openGpu } from "../openGpu.mjs";
import { takeSteps } from "../takeSteps.mjs";
import { watchGpu } from "../watchGpu.mjs";

const address = (path) => new URL(path, location.href).href;

const kinds = {
  async adapter() {
    const { adapter, description, software } = await openGpu();
    const { vendor, architecture, device, description: driver } = adapter.info;
    return { description, software, info: { vendor, architecture, device, description: driver } };
  },

  async matmul() {
    const { adapter } = await openGpu();
    return multiplyMatrices(await adapter.requestDevice({ requiredFeatures: matmulFeatures(adapter) }));
  },

  async entry({ workload, entry, program, steps, seconds }) {
    const folder = `workloads/${workload}`;
    const response = await fetch(address(`${folder}/network.json`));
    if (!response.ok) throw new Error(`${folder}/network.json: ${response.status} ${response.statusText}`);
    const network = await response.json();
    const { description, software } = await openGpu();
    const watch = watchGpu();
    const library = await import(address(`entries/${entry}.js`));
    const report = await takeSteps({
      // Kernels for few lanes or for many, as `cnnc compile --adapter` makes them.
      load: () => library.load({ generated: address(`${folder}/${software ? "cpu" : "gpu"}/${network.module}`) }),
      network,
      data: drawData(network, { randomStream, drawInitial }),
      program,
      watch,
      gpu: navigator.gpu,
      steps,
      seconds,
    });
    return { ...report, adapter: description };
  },
};

addEventListener("message", async ({ data: task }) => {
  try {
    postMessage({ result: await kinds[task.kind](task) });
  } catch (error) {
    postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
});
