import { elements } from "./drawData.mjs";

/**
 * What the bench measures of one entry on one workload: one cold step, one that is not counted, and then timed ones. A step is a
 * training step or the prediction of a batch. Uses what browsers, Deno and Node all have.
 *
 * In: `load` imports the entry's library; `network` and `data` are what every entry of the workload shares; `watch` is of
 * watchGpu.mjs; `cpuSeconds` gives the process CPU time where it can be asked for. Out: an EntryRun of statistics.ts.
 */
export async function takeSteps({ load, network, data, program, watch, gpu, steps, seconds, cpuSeconds }) {
  const clock = () => ({ wall: performance.now(), ...(cpuSeconds && { cpu: cpuSeconds() }) });
  const since = (begin) => ({
    wallSeconds: (performance.now() - begin.wall) / 1000,
    ...(cpuSeconds && { cpuSeconds: cpuSeconds() - begin.cpu }),
  });

  const begun = clock();
  const library = await load();
  const { wallSeconds: loadSeconds } = since(begun);

  const batches = batchesOf(network, data);
  const coldBegin = clock();
  const opened = await library.create({ gpu, network, program, values: valuesIn(data.weights) });
  if (opened.prepare !== undefined) for (const batch of batches) batch.images = opened.prepare(batch.images);

  const outcomes = [];
  let taken = 0;
  /** A step as an app takes it, then (uncounted) the wait until the GPU is through with it. */
  const step = async (begin) => {
    const batch = batches[taken++ % batches.length];
    const before = watch.snapshot();
    let pending = program === "training" ? opened.step(batch) : opened.infer(batch);
    // Only a step that has to wait for something returns a promise.
    if (typeof pending.then === "function") pending = await pending;
    const after = watch.snapshot();
    await watch.drain();
    const time = since(begin);
    outcomes.push(program === "training" ? await pending.loss : meanSquare(pending));
    const counts = ["dispatches", "submits", "hostWaits", "createdBytes"];
    return { ...time, ...Object.fromEntries(counts.map((name) => [name, after[name] - before[name]])) };
  };

  const { wallSeconds, cpuSeconds: coldCpu } = await step(coldBegin);
  await step(clock());
  const samples = [];
  const deadline = performance.now() + seconds * 1000;
  while (samples.length < steps && (samples.length < 2 || performance.now() < deadline)) {
    samples.push(await step(clock()));
  }
  return {
    loadSeconds,
    cold: { wallSeconds, ...(cpuSeconds && { cpuSeconds: coldCpu }) },
    steps: samples,
    peakBytes: watch.snapshot().peakBytes,
    outcomes: outcomes.slice(0, 4),
  };
}

/** The data cut into batches: images of [batch, ...inputShape], one label an image. */
export function batchesOf({ batch, inputShape }, { images, labels }) {
  const size = batch * elements(inputShape);
  return Array.from({ length: labels.length / batch }, (_, i) => ({
    images: images.slice(i * size, (i + 1) * size),
    labels: labels.slice(i * batch, (i + 1) * batch),
  }));
}

/** One number for a batch of outputs, in which every one of them counts. */
export function meanSquare(outputs) {
  return outputs.reduce((sum, value) => sum + value * value, 0) / outputs.length;
}

function valuesIn(weights) {
  return (offset, shape) => weights.slice(offset, offset + elements(shape));
}
