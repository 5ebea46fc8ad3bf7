/**
 * Two copies of one network, with and without `precision f16`, trained side by side from the same weights on the same batches of
 * Fashion-MNIST, in the order of the files: what docs/results.md shows. Needs an adapter with the feature shader-f16.
 *
 *   deno run -A --unstable-webgpu --node-modules-dir=manual bench/runs/precision.ts SPEC.cnn [STEPS] [DATA]
 */
import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { gunzipSync } from "node:zlib";
import { heldForBackward } from "../../compiler/5-plan/heldForBackward.ts";
import { compile } from "../../compiler/compile.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import { createNetwork, type Network } from "../../runtime/index.ts";
import { imageSize } from "../../runtime/input.ts";

const [, , file = "", steps = "100", folder = "/usr/share/datasets/fashion-mnist"] = argv;
const unzipped = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(`${folder}/${name}.gz`)));
const images = unzipped("train-images-idx3-ubyte").subarray(16);
const labels = unzipped("train-labels-idx1-ubyte").subarray(8);

/** The network of the spec; with `half`, its recipe asks for precision f16. */
async function open(half: boolean): Promise<Network> {
  const text = readFileSync(file, "utf8");
  const asked = half ? text.replace(/(train [^{]*\{)/g, "$1\n  precision f16") : text;
  const readSource = (path: string): string => readFileSync(path, "utf8");
  const { network, diagnostics } = compile({ path: `./${file}`, text: asked }, { readSource });
  if (network?.training === undefined) throw new Error(renderDiagnostics(diagnostics));
  const { training, peakBytes, plan } = network;
  console.log(`${half ? "f16" : "f32"}: ${heldForBackward(training)} bytes held, ${peakBytes.training} in all`);
  return createNetwork(plan, { seed: 3 });
}

/** Pixels with mean 0 and deviation 1, and their labels; a network of more channels has the image in each. */
function batchAt(step: number, { plan }: Network): [Float32Array<ArrayBuffer>, Uint8Array] {
  const first = (step * plan.batch) % (labels.length - plan.batch);
  const size = imageSize(plan);
  const pixels = Float32Array.from({ length: plan.batch * size }, (_, i) => {
    const pixel = images[(first + Math.floor(i / size)) * 784 + (i % 784)] ?? 0;
    return (pixel / 255 - 0.286) / 0.353;
  });
  return [pixels, labels.slice(first, first + plan.batch)];
}

const [whole, half] = [await open(false), await open(true)];
half.loadStateDict(await whole.stateDict());
const [pixels, classes] = batchAt(0, whole);
const [expected, actual] = [await whole.gradients(pixels, classes), await half.gradients(pixels, classes)];
for (const [name, gradient] of Object.entries<Float32Array>(expected.gradients)) {
  const other = actual.gradients[name];
  let [apart, norm] = [0, 0];
  gradient.forEach((value, i) => {
    apart += (value - (other?.[i] ?? NaN)) ** 2;
    norm += value ** 2;
  });
  console.log(`gradient of ${name}: ${(100 * Math.sqrt(apart / norm)).toFixed(3)} % apart`);
}
let most = 0;
for (let step = 0; step < Number(steps); step++) {
  const batch = batchAt(step, whole);
  const taken = [whole.trainStep(...batch), half.trainStep(...batch)] as const;
  const [inWhole, inHalf] = [await taken[0].metrics(), await taken[1].metrics()];
  const apart = Math.abs(inHalf.loss - inWhole.loss) / inWhole.loss;
  most = Math.max(most, apart);
  if ((step + 1) % 10 === 0) console.log(`step ${step + 1}: ${inWhole.loss.toFixed(4)}, ${inHalf.loss.toFixed(4)}`);
}
console.log(`largest difference: ${(100 * most).toFixed(3)} %`);
// A device keeps Deno's event loop alive.
exit(0);
