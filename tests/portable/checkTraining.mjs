// A training that is watched, paused and kept, and one that goes on from what was kept: in browsers, Deno and Node alike.

/** One result: how far the weights are from those of a training that was not interrupted, which must be nowhere. */
export async function checkTraining({ createLeNet, app: { startTraining } }) {
  const images = Float32Array.from({ length: 600 * 784 }, (_, i) => ((i * 2654435761) >>> 8) / 2 ** 24);
  const dataset = { images, labels: Uint8Array.from({ length: 600 }, (_, i) => i % 10) };
  const network = await createLeNet({ programs: ["training"], seed: 4 });
  try {
    await network.fit(dataset, { epochs: 2 });
    const expected = await network.stateDict();

    network.init(4);
    let pausing;
    const training = startTraining(network, dataset, {
      epochs: 2,
      beforeStep: ({ epoch, step }) => {
        if (epoch === 0 && step === 1) pausing = training.pause();
      },
    });
    let kept;
    for await (const { kind } of training) {
      if (kind !== "step" || pausing === undefined) continue;
      await pausing;
      kept = await training.checkpoint();
      void training.stop();
    }
    const stoppedAfter = network.steps;
    network.init(99);
    const resumed = startTraining(network, dataset, { epochs: 2, from: kept });
    await resumed.finished;
    const after = await network.stateDict();
    const distances = Object.keys(expected).map((name) =>
      Math.max(...after[name].map((value, i) => Math.abs(value - expected[name][i]))),
    );
    const error = stoppedAfter === 2 && resumed.state === "finished" ? Math.max(...distances) : NaN;
    return [{ name: "interrupted training", quantity: "weights", error, tolerance: 0, passed: error === 0 }];
  } finally {
    network.destroy();
  }
}
