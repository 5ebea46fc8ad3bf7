/**
 * Trains one network of fashion.cnn in Deno, as an app would, and prints what docs/results.md shows. See bench/README.md.
 *
 *   deno run -A --unstable-webgpu bench/runs/train.mjs MODULE.js [--epochs N | --minutes N] [--data DIR] [--save FILE] [--start FILE]
 *
 * `--epochs` trains on the whole of Fashion-MNIST, shuffled by the seed, and evaluates on the test images. `--minutes` takes
 * batches in the order of the files for that long and writes a line of JSON for each: what `googlenet.py` repeats in PyTorch.
 * `--start` keeps the first weights, and beside them in FILE.order the numbers of the first epoch's images in their order (u32),
 * from which `inception_net.py --from FILE` trains in PyTorch.
 */
/* global Deno, DecompressionStream, Response */
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    epochs: { type: "string", default: "1" },
    minutes: { type: "string" },
    data: { type: "string", default: "/usr/share/datasets/fashion-mnist" },
    save: { type: "string" },
    start: { type: "string" },
  },
});
const url = new URL(positionals[0], `file://${Deno.cwd()}/`);
const module = await import(url.href);
const { shuffledOrder } = await import(new URL("cnnc-runtime.js", url).href);
const [, create] = Object.entries(module).find(([name]) => name.startsWith("create"));

async function unzipped(name) {
  const file = await Deno.open(`${values.data}/${name}.gz`);
  return new Uint8Array(await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}
const load = async (split) => ({
  images: (await unzipped(`${split}-images-idx3-ubyte`)).subarray(16),
  labels: (await unzipped(`${split}-labels-idx1-ubyte`)).subarray(8),
});
const images = await load("train");
const network = await create({ seed: 0 });
if (values.start !== undefined) {
  await Deno.writeFile(values.start, await network.save());
  const order = shuffledOrder(images.labels.length, network.seed, 0);
  await Deno.writeFile(`${values.start}.order`, new Uint8Array(order.buffer));
}
const began = performance.now();
const minutes = () => (performance.now() - began) / 60_000;
const memory = () => Math.round(Deno.memoryUsage().rss / 2 ** 20);

if (values.minutes !== undefined) {
  if (values.save !== undefined) await Deno.writeFile(values.save, await network.save());
  await network.prepare("trainingBytes");
  const { batch } = network.plan;
  const size = images.images.length / images.labels.length;
  for (let step = 0; (step + 1) * batch <= images.labels.length && minutes() < Number(values.minutes); step++) {
    const [first, end] = [step * batch, (step + 1) * batch];
    const taken = network.trainStep(images.images.slice(first * size, end * size), images.labels.slice(first, end));
    console.log(JSON.stringify({ step, ...(await taken.metrics()), minutes: minutes(), megabytes: memory() }));
  }
} else {
  await network.fit(images, {
    epochs: Number(values.epochs),
    onProgress({ epoch, step, steps, loss }) {
      if (step % 50 === 0 || step < 6)
        console.log(`epoch ${epoch}, step ${step}/${steps}: loss ${loss.toFixed(4)}, ${memory()} MB, ${minutes().toFixed(1)} min`); // prettier-ignore
    },
  });
  console.log(`test images: ${JSON.stringify(await network.evaluate(await load("t10k")))}`);
  if (values.save !== undefined) await Deno.writeFile(values.save, await network.save());
}
// A device keeps Deno's event loop alive.
Deno.exit(0);
