/**
 * startTraining.ts: a training that an app holds in its hand. It is watched with `for await`, paused, resumed, stopped, and kept as a
 * checkpoint at any moment, from which another page, worker or process goes on to the same weights.
 */
import type { Dataset } from "./dataset.ts";
import { NetworkError } from "./errors.ts";
import type { EpochResult, FitOptions, History, Progress, StepMoment, StopSignal } from "./fit.ts";
import type { Notes } from "./weights.ts";

/** What happened: a step whose loss is known, or the end of an epoch. */
export type TrainingEvent = ({ readonly kind: "step" } & Progress) | ({ readonly kind: "epoch" } & EpochResult);

export type TrainingState = "running" | "paused" | "finished" | "stopped" | "failed";

export interface TrainingOptions<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
> extends FitOptions<Input, Source> {
  /** What `checkpoint` of an earlier training gave: this one goes on after its last step. In place of firstEpoch and firstStep. */
  readonly from?: Uint8Array | ArrayBuffer;
}

export interface Training extends AsyncIterable<TrainingEvent> {
  /** "paused" from `pause` on, though steps may still be under way; "stopped" where a signal or `stop` ended it early. */
  readonly state: TrainingState;
  /** What `fit` resolves with; rejects where training fails. */
  readonly finished: Promise<History>;
  /**
   * Takes no step more until `resume`; resolves when those under way are done and reported. The training's own callbacks may call it,
   * but not wait for it.
   */
  pause(): Promise<void>;
  resume(): void;
  /** Ends training after the steps under way, paused or not. */
  stop(): Promise<History>;
  /** A file from which `from` goes on, after the steps taken so far: weights, optimizer, and the place in the epoch. */
  checkpoint(): Promise<Uint8Array<ArrayBuffer>>;
  /** The events from now on. Training waits for a loop that is more than 256 of them behind; leaving the loop changes nothing. */
  [Symbol.asyncIterator](): AsyncIterator<TrainingEvent>;
}

/** What is needed of a network, of whatever names. */
export interface WatchableNetwork<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
> {
  readonly steps: number;
  fit(dataset: Dataset<Input, Source>, options: FitOptions<Input, Source>): Promise<History>;
  saveCheckpoint(notes: () => Notes): Promise<Uint8Array<ArrayBuffer>>;
  loadCheckpoint(file: Uint8Array | ArrayBuffer): Promise<Notes>;
}

/** Events that may wait for a loop before training does. */
const mostWaiting = 256;

/** The note of a checkpoint that says where training stood. */
const noteName = "training";

/** Starts to train, as `fit` does with the same options, and returns at once. */
export function startTraining<Input extends readonly number[], Source extends readonly number[]>(
  network: WatchableNetwork<Input, Source>,
  dataset: Dataset<Input, Source>,
  { from, ...options }: TrainingOptions<Input, Source>,
): Training {
  let state: TrainingState = "running";
  const { signal, stop, release } = stopSignal(options.signal);
  const loops = new Set<Loop>();
  const report = (event: TrainingEvent): void => {
    for (const loop of loops) {
      loop.waiting.push(event);
      loop.wake();
    }
  };

  let pause: { readonly held: Deferred; readonly over: Deferred } | undefined;
  const resume = (): void => {
    if (state === "paused") state = "running";
    pause?.over.resolve();
    pause?.held.resolve();
    pause = undefined;
  };
  /** A loop that lags behind has taken an event, or was left. */
  let relief = deferred();
  const relieve = (): void => {
    relief.resolve();
    relief = deferred();
  };

  /** Where it starts; `steps` is 0 as long as nobody knows an epoch's steps. */
  let first: StepMoment = { epoch: options.firstEpoch ?? 0, step: options.firstStep ?? 0, steps: 0 };
  /** The latest step that was begun, and the network's steps before it. */
  let begun = { ...first, taken: network.steps };
  const place = (): StepMoment => {
    const { epoch, steps } = begun;
    const step = begun.step + network.steps - begun.taken;
    return steps > 0 && step >= steps ? { epoch: epoch + 1, step: 0, steps } : { epoch, step, steps };
  };
  const started = (async () => {
    if (from !== undefined) first = placeIn(await network.loadCheckpoint(from));
    begun = { ...first, taken: network.steps };
  })();
  const beforeStep = async (at: StepMoment, settle: () => Promise<void>): Promise<void> => {
    if (first.step > 0 && first.steps > 0 && at.steps !== first.steps) {
      throw new NetworkError(
        "input",
        `the checkpoint stands after step ${first.step} of an epoch of ${first.steps} steps, and here an epoch has ${at.steps}: ` +
          "go on with the same data and batch size",
      );
    }
    begun = { ...at, taken: network.steps };
    while ([...loops].some(({ waiting }) => waiting.length >= mostWaiting)) await relief.promise;
    while (pause !== undefined) {
      const { held, over } = pause;
      await settle();
      held.resolve();
      await over.promise;
    }
    await options.beforeStep?.(at, settle);
  };

  const finished = (async () => {
    try {
      await started;
      const history = await network.fit(dataset, {
        ...options,
        firstEpoch: first.epoch,
        firstStep: first.step,
        signal,
        beforeStep,
        onProgress(progress) {
          options.onProgress?.(progress);
          report({ kind: "step", ...progress });
        },
        async onEpoch(result) {
          await options.onEpoch?.(result);
          report({ kind: "epoch", ...result });
        },
      });
      state = history.aborted ? "stopped" : "finished";
      return history;
    } catch (error) {
      state = "failed";
      throw error;
    } finally {
      resume();
      release();
      for (const loop of loops) loop.wake();
    }
  })();
  const isOver = (): boolean => state !== "running" && state !== "paused";

  async function* events(): AsyncGenerator<TrainingEvent> {
    let wake = deferred();
    const loop: Loop = {
      waiting: [],
      wake: () => {
        wake.resolve();
      },
    };
    loops.add(loop);
    // Whoever watches hears of an error here.
    finished.catch(() => undefined);
    try {
      for (;;) {
        const event = loop.waiting.shift();
        relieve();
        if (event !== undefined) yield event;
        else if (isOver()) break;
        else {
          await wake.promise;
          wake = deferred();
        }
      }
      await finished;
    } finally {
      loops.delete(loop);
      relieve();
    }
  }

  return {
    get state() {
      return state;
    },
    finished,
    async pause() {
      if (isOver()) return;
      state = "paused";
      pause ??= { held: deferred(), over: deferred() };
      await pause.held.promise;
    },
    resume,
    stop() {
      stop();
      return finished;
    },
    async checkpoint() {
      await started;
      return network.saveCheckpoint(() => ({ [noteName]: JSON.stringify(place()) }));
    },
    [Symbol.asyncIterator]: events,
  };
}

interface Loop {
  readonly waiting: TrainingEvent[];
  wake(): void;
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A signal that says stop when `outer` does, or when it is told to. */
function stopSignal(outer: StopSignal | undefined): {
  readonly signal: StopSignal;
  readonly stop: () => void;
  readonly release: () => void;
} {
  let stopped = false;
  const listeners = new Set<() => void>();
  const stop = (): void => {
    stopped = true;
    for (const listener of [...listeners]) listener();
  };
  outer?.addEventListener?.("abort", stop);
  return {
    signal: {
      get aborted() {
        return stopped || outer?.aborted === true;
      },
      addEventListener: (_, listener) => void listeners.add(listener),
      removeEventListener: (_, listener) => void listeners.delete(listener),
    },
    stop,
    release: () => outer?.removeEventListener?.("abort", stop),
  };
}

/** The place that a checkpoint's notes tell. */
function placeIn({ [noteName]: text = "null" }: Notes): StepMoment {
  let place: Partial<StepMoment> | null;
  try {
    place = JSON.parse(text) as Partial<StepMoment> | null;
  } catch {
    place = null;
  }
  const { epoch, step, steps } = place ?? {};
  if (Number.isInteger(epoch) && Number.isInteger(step) && Number.isInteger(steps)) return place as StepMoment;
  throw new NetworkError(
    "weights",
    "this checkpoint does not say where training stood: `checkpoint()` of a training makes one that does",
  );
}
