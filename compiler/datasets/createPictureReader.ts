/**
 * Pictures decoded by worker threads, so that this thread's own work (commands for the GPU, progress bars) never waits for a
 * decoder. Which thread decodes a picture changes nothing about it.
 */
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { startWorker } from "../node/startWorker.ts";
import type { DatasetError } from "./datasetError.ts";
import { fromAnswer, readPlanes, type PictureAnswer, type PicturePlanes, type PictureRequest } from "./readPlanes.ts";

export interface PictureReader {
  /**
   * Reads pictures, and gives each by its place among the requests as soon as it is there, in no certain order. Rejects once
   * `signal` is aborted, and leaves what was not begun.
   */
  read(
    requests: readonly PictureRequest[],
    onPicture: (at: number, picture: PicturePlanes | DatasetError) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Ends the threads; the next picture starts new ones. */
  close(): void;
}

export interface ReaderOptions {
  /** What a thread runs. */
  readonly file?: URL;
  readonly threads?: number;
}

/** Pictures that go to a thread at once: so many, or fewer of together so many pixels. A message costs as much as a tiny picture. */
const [groupPictures, groupPixels] = [16, 2 ** 16] as const;
/** Pixels that are decoded here in the time in which a thread starts: for less than that there is none. */
const startPixels = 2 ** 18;
/** Groups that a thread has at once, so that it need not wait for this one to hand it the next. */
const groupsAhead = 2;

interface Group {
  readonly requests: readonly PictureRequest[];
  readonly signal: AbortSignal | undefined;
  /** Undefined where no thread could read them. */
  readonly resolve: (answers: readonly PictureAnswer[] | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Answered in their order. */
  readonly groups: Group[];
}

/**
 * Threads start when there is more to decode than those that run have taken on, and do not keep the process alive while they are
 * idle. Where there is little to decode, none can be had or one ends with its work
 * undone, this thread decodes.
 */
export function createPictureReader({
  file = new URL("./decodeWorker.js", import.meta.url),
  threads: most = Math.min(4, Math.max(1, availableParallelism() - 1)),
}: ReaderOptions = {}): PictureReader {
  const threads = new Set<Thread>();
  const waiting: Group[] = [];
  let canStart = true;
  let askedPixels = 0;
  let here: Promise<unknown> = Promise.resolve();

  const start = (): Thread | undefined => {
    if (!canStart || threads.size >= most || askedPixels < startPixels) return undefined;
    const worker = startWorker(file);
    if (worker === undefined) {
      canStart = false;
      return undefined;
    }
    const thread: Thread = { worker, groups: [] };
    threads.add(thread);
    worker.on("message", (answers: readonly PictureAnswer[] | undefined) => {
      thread.groups.shift()?.resolve(answers);
      if (thread.groups.length === 0) worker.unref();
      handOut();
    });
    const lose = (): void => {
      // One that failed would fail again.
      if (threads.delete(thread)) canStart = false;
      for (const group of thread.groups.splice(0)) group.resolve(undefined);
      handOut();
    };
    worker.on("error", lose).on("exit", lose);
    return thread;
  };

  const freeThread = (): Thread | undefined => {
    const [freest] = [...threads].sort((a, b) => a.groups.length - b.groups.length);
    if (freest?.groups.length === 0) return freest;
    return start() ?? (freest !== undefined && freest.groups.length < groupsAhead ? freest : undefined);
  };

  const handOut = (): void => {
    for (let group = waiting[0]; group !== undefined; group = waiting[0]) {
      if (group.signal?.aborted === true) group.reject(group.signal.reason);
      else {
        const thread = freeThread();
        if (thread === undefined && threads.size > 0) return;
        if (thread === undefined) group.resolve(undefined);
        else {
          if (thread.groups.length === 0) thread.worker.ref();
          thread.groups.push(group);
          thread.worker.postMessage(group.requests);
        }
      }
      waiting.shift();
    }
  };

  const readGroup = async (requests: readonly PictureRequest[], signal: AbortSignal | undefined) => {
    const answers = await new Promise<readonly PictureAnswer[] | undefined>((resolve, reject) => {
      waiting.push({ requests, signal, resolve, reject });
      handOut();
    });
    if (answers !== undefined) return answers.map(fromAnswer);
    // A group at a time, and between them whatever else is due.
    const read = here.then(async () => {
      await setImmediate(undefined, { signal });
      return requests.map(readPlanes);
    });
    here = read.catch(() => undefined);
    return read;
  };

  return {
    async read(requests, onPicture, signal) {
      askedPixels += requests.reduce((sum, { own }) => sum + own.height * own.width, 0);
      await Promise.all(
        groupsOf(requests).map(async ({ first, group }) => {
          const pictures = await readGroup(group, signal);
          pictures.forEach((picture, at) => {
            onPicture(first + at, picture);
          });
        }),
      );
    },
    close() {
      const ended = [...threads];
      threads.clear();
      for (const { worker } of ended) void worker.terminate();
    },
  };
}

/** Neighbours together, as far as a group's size goes. */
function groupsOf(
  requests: readonly PictureRequest[],
): readonly { readonly first: number; readonly group: readonly PictureRequest[] }[] {
  const groups: { first: number; group: PictureRequest[] }[] = [];
  let pixels = 0;
  for (const [at, request] of requests.entries()) {
    const own = request.own.height * request.own.width;
    const last = groups.at(-1);
    const fits = last !== undefined && last.group.length < groupPictures && pixels + own <= groupPixels;
    pixels = fits ? pixels + own : own;
    if (fits) last.group.push(request);
    else groups.push({ first: at, group: [request] });
  }
  return groups;
}
