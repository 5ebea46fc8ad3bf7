// The worker's side: it owns the network. The page sends { command }, and is told what happens as { kind }.
import { createClock } from "./clock.js";
import { indexedDbStore, startTraining } from "./cnnc-app.js";
import { randomStream, uniform } from "./cnnc-runtime.js";

const [size, hours] = [28, 12];
const store = indexedDbStore("clock");
const canvas = new OffscreenCanvas(size, size);
const context = canvas.getContext("2d", { willReadFrequently: true });

/** Clocks that are drawn as the network asks for them: others in each epoch, and the same ones whenever it is repeated. */
const clocks = {
  size: 1536,
  *stream(epoch) {
    const random = randomStream(1, `clocks ${epoch}`);
    for (let index = 0; index < this.size; index++) {
      const label = Math.floor(uniform(random, index, 0) * hours);
      draw(label + (uniform(random, index, 1) - 0.5) * 0.8, 8 + 5 * uniform(random, index, 2));
      yield { image: canvas, label };
    }
  },
};

function draw(hour, length) {
  context.fillStyle = "black";
  context.fillRect(0, 0, size, size);
  context.strokeStyle = "white";
  context.lineWidth = 3;
  const angle = (hour / hours) * 2 * Math.PI;
  context.beginPath();
  context.moveTo(size / 2, size / 2);
  context.lineTo(size / 2 + length * Math.sin(angle), size / 2 - length * Math.cos(angle));
  context.stroke();
}

const network = await createClock({ programs: ["training", "trainingBytes", "inference", "inferenceBytes"], seed: 1 });
let training;

const commands = {
  async train({ epochs }) {
    if (training?.state === "paused") return training.resume();
    if (training?.state === "running") return;
    const from = await store.load("checkpoint");
    if (from === undefined) network.init(1);
    training = startTraining(network, clocks, { epochs, validation: { ...clocks, size: 384 }, ...(from && { from }) });
    for await (const event of training) {
      postMessage(event);
      if (event.kind === "epoch") await store.save("checkpoint", await training.checkpoint());
    }
    // Stopped within an epoch, it goes on from there.
    await store.save("checkpoint", await training.checkpoint());
    postMessage({ kind: "ended", state: training.state, steps: network.steps });
  },
  async pause() {
    await training?.pause();
    if (training?.state === "paused") postMessage({ kind: "paused", steps: network.steps });
  },
  stop: () => training?.stop(),
  async forget() {
    await training?.stop();
    await store.remove("checkpoint");
    postMessage({ kind: "forgotten" });
  },
  async read({ picture }) {
    const [hour] = await network.predictClasses(picture);
    picture.close();
    postMessage({ kind: "hour", hour });
  },
};

addEventListener("message", async ({ data }) => {
  try {
    await commands[data.command](data);
  } catch (error) {
    postMessage({ kind: "failed", message: error.message });
  }
});
postMessage({ kind: "ready", kept: await store.names() });
