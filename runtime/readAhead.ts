/** Batches that are read before they are asked for. */
const batchesAhead = 2;

/**
 * Reads the batches `first` to before `count`; while one is worked on, the next ones are read, one at a time, since a source need not
 * be ready to be asked twice at once. `slot` numbers the storage that a batch may use: it is used again once the next but two is
 * asked for. An error is thrown when its batch is asked for.
 */
export async function* readAhead<T>(
  count: number,
  read: (batch: number, slot: number) => T | Promise<T>,
  first = 0,
): AsyncGenerator<T> {
  const reading: Promise<T>[] = [];
  let before: Promise<unknown> = Promise.resolve();
  const startReading = (batch: number): void => {
    if (batch >= count) return;
    const started = before.then(() => read(batch, batch % (batchesAhead + 1)));
    before = started;
    // Its error is heard when the batch is asked for; whoever asks may stop before.
    started.catch(() => undefined);
    reading.push(started);
  };
  for (let batch = first; batch < first + batchesAhead; batch++) startReading(batch);
  for (let batch = first; batch < count; batch++) {
    const current = await (reading.shift() as Promise<T>);
    startReading(batch + batchesAhead);
    yield current;
  }
}
