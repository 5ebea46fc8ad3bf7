/**
 * startTraining.ts: a training that an app holds in its hand. It goes by the module's recipe, as `cnnc train` does; it is watched with
 * `for await`, paused, resumed, stopped, and kept as a checkpoint at any moment, from which another page, worker or process goes on to
 * the same weights.
 */
import { checkWeights } from "./checkWeights.ts";
import type { Dataset } from "./dataset.ts";
import { NetworkError } from "./errors.ts";
import type { EpochResult, FitOptions, History, Progress, StepMoment, StopSignal } from "./fit.ts";
import type { Metrics } from "./metrics.ts";
import { openCourse } from "./trainingCourse.ts";
import type { CourseOptions, SteeredNetwork, TrainingCourse } from "./trainingCourse.ts";
import type { Notes } from "./weights.ts";

/** What happened: a step whose loss is known, or the end of an epoch. */
export type TrainingEvent =
  | ({
      readonly kind: "step";
      /** The learning rate of the step. */
      readonly rate: number;
    } & Progress)
  | ({ readonly kind: "epoch" } & EpochResult);

export type TrainingState = "running" | "paused" | "finished" | "stopped" | "failed";

export interface TrainingOptions<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
>
  extends Omit<FitOptions<Input, Source>, "epochs" | "rate">, CourseOptions {
  /** What `checkpoint` of an earlier training gave: this one goes on after its last step. In place of firstEpoch and firstStep. */
  readonly from?: Uint8Array | ArrayBuffer;
}

export interface TrainingHistory extends History {
  /** True when early stopping ended it. */
  readonly stoppedEarly: boolean;
}

export interface Training extends AsyncIterable<TrainingEvent> {
  /** "paused" from `pause` on, though steps may still be under way; "stopped" where a signal or `stop` ended it early. */
  readonly state: TrainingState;
  /** What was done; rejects where training fails, as it does when a loss, or a weight after an epoch, is not finite (NetworkError of kind "loss"). */
  readonly finished: Promise<TrainingHistory>;
  /**
   * Takes no step more until `resume`; resolves when those under way are done and reported. The training's own callbacks may call it,
   * but not wait for it.
   */
  pause(): Promise<void>;
  resume(): void;
  /** Ends training after the steps under way, paused or not. */
  stop(): Promise<TrainingHistory>;
  /** A file from which `from` goes on, after the steps taken so far: weights, optimizer, and the place in the epoch. Rejects where a weight is not finite. */
  checkpoint(): Promise<Uint8Array<ArrayBuffer>>;
  /** The events from now on. Training waits for a loop that is more than 256 of them behind; leaving the loop changes nothing. */
  [Symbol.asyncIterator](): AsyncIterator<TrainingEvent>;
}

/** What is needed of a network, of whatever names. */
export interface WatchableNetwork<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
> extends SteeredNetwork {
  readonly steps: number;
  fit(dataset: Dataset<Input, Source>, options: FitOptions<Input, Source>): Promise<History>;
  evaluate(dataset: Dataset<Input, Source>): Promise<Metrics>;
  saveCheckpoint(notes: () => Notes): Promise<Uint8Array<ArrayBuffer>>;
  loadCheckpoint(file: Uint8Array | ArrayBuffer): Promise<Notes>;
  stateDict(): Promise<Readonly<Record<never, Float32Array>>>;
}

/** Events that may wait for a loop before training does. */
const mostWaiting = 256;

/** The note of a checkpoint that says where training stood. */
const noteName = "training";

/**
 * Starts to train by the module's recipe (its epochs, schedule with warm-up, momentum and early stopping) as far as the options say
 * nothing else, and returns at once.
 */
export function startTraining<Input extends readonly number[], Source extends readonly number[]>(
  network: WatchableNetwork<Input, Source>,
  dataset: Dataset<Input, Source>,
  options: TrainingOptions<Input, Source> = {},
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
  let first: Place = { epoch: options.firstEpoch ?? 0, step: options.firstStep ?? 0, steps: 0 };
  /** The latest step that was begun, and the network's steps before it. */
  let begun = { ...first, taken: network.steps };
  const place = (): Place => {
    const { epoch, steps } = begun;
    const step = begun.step + network.steps - begun.taken;
    const isOver = steps > 0 && step >= steps;
    return { ...(isOver ? { epoch: epoch + 1, step: 0 } : { epoch, step }), steps, ...course?.results };
  };
  let course: TrainingCourse | undefined;
  const started = (async () => {
    const opened = openCourse(network, options);
    if (options.from !== undefined) first = placeIn(await network.loadCheckpoint(options.from));
    opened.add(first.losses ?? [], first.accuracies ?? []);
    course = opened;
    // The checkpoint was made while the epoch before was being evaluated: with the weights of this moment.
    const isMissing = first.step === 0 && opened.results.losses.length === first.epoch - 1;
    if (options.validation && isMissing) note(opened, await network.evaluate(options.validation));
    begun = { ...first, taken: network.steps };
    return opened;
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

  /** Those of steps whose losses are not known yet. */
  const rates: number[] = [];
  const finished = (async () => {
    try {
      const goes = await started;
      const { epochs } = goes;
      let stoppedEarly = first.step === 0 && goes.endsBefore(first.epoch);
      if (stoppedEarly) stop();
      const fitted = network.fit(dataset, {
        ...options,
        epochs,
        firstEpoch: first.epoch,
        firstStep: first.step,
        signal,
        beforeStep,
        rate(at) {
          const rate = goes.rate(at);
          rates.push(rate);
          return rate;
        },
        onProgress(progress) {
          const rate = rates.shift() ?? 0;
          if (!Number.isFinite(progress.loss)) throw lossNotFinite(progress, rate);
          options.onProgress?.(progress);
          report({ kind: "step", rate, ...progress });
        },
        async onEpoch(result) {
          if (result.validation) note(goes, result.validation);
          await options.onEpoch?.(result);
          report({ kind: "epoch", ...result });
          if (signal.aborted || !goes.endsBefore(result.epoch)) return;
          stoppedEarly = true;
          stop();
        },
      });
      const { aborted, ...history } = await fitted.catch(advise);
      state = aborted && !stoppedEarly ? "stopped" : "finished";
      return { ...history, aborted: state === "stopped", stoppedEarly };
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
      // A checkpoint of what is not finite would be of no use.
      try {
        checkWeights(await network.stateDict(), `step ${network.steps}`);
      } catch (error) {
        advise(error);
      }
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

/** Where a training stands, and how the validation images fared in the epochs before. */
interface Place extends StepMoment {
  readonly losses?: readonly number[];
  readonly accuracies?: readonly number[];
}

function note(course: TrainingCourse, { loss, accuracy }: Metrics): void {
  course.add([loss], [accuracy]);
}

const whatHelps =
  "look for such a value among the images; a smaller rate, a warm-up, clipped gradients or normalized images usually help, from a checkpoint before it";

function lossNotFinite({ loss, step, epoch }: Progress, rate: number): NetworkError {
  return new NetworkError(
    "loss",
    `the loss became ${Number.isNaN(loss) ? "NaN" : "infinite"} in step ${step} of epoch ${epoch} (learning rate ${rate})`,
  );
}

/** Throws the error, with what helps where a number is not finite. */
function advise(error: unknown): never {
  if (!(error instanceof NetworkError) || error.kind !== "loss") throw error;
  throw new NetworkError("loss", `${error.message}: ${whatHelps}`, { cause: error });
}

/** The place that a checkpoint's notes tell. */
function placeIn({ [noteName]: text = "null" }: Notes): Place {
  let place: Partial<Place> | null;
  try {
    place = JSON.parse(text) as Partial<Place> | null;
  } catch {
    place = null;
  }
  const { epoch, step, steps } = place ?? {};
  if (Number.isInteger(epoch) && Number.isInteger(step) && Number.isInteger(steps)) return place as Place;
  throw new NetworkError(
    "weights",
    "this checkpoint does not say where training stood: `checkpoint()` of a training makes one that does",
  );
}
