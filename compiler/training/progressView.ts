/** What a training run shows while it runs: a bar on a terminal, plain lines elsewhere, JSON lines for scripts. */
import type cliProgress from "cli-progress";
import { progressBar } from "../commands/progressBar.ts";
import { formatSeconds, type Terminal } from "../commands/terminal.ts";
import type { EpochEntry, StepEntry } from "./trainingLog.ts";
import type { StepProgress } from "./trainNetwork.ts";

export interface ProgressView {
  readonly onStep: (entry: StepEntry, progress: StepProgress) => void;
  readonly onEvaluation: (done: number, total: number) => void;
  readonly onEpoch: (entry: EpochEntry) => void;
  /** A sentence between the figures. */
  readonly note: (text: string) => void;
  /** Leaves the terminal in order; safe to call twice. */
  readonly close: () => void;
}

/** Each step and epoch as a line of JSON on the output. */
export function jsonView(terminal: Terminal): ProgressView {
  const print = (entry: StepEntry | EpochEntry): void => terminal.out(`${JSON.stringify(entry)}\n`);
  return {
    onStep: print,
    onEvaluation: () => undefined,
    onEpoch: print,
    note: (text) => terminal.error(`${text}\n`),
    close: () => undefined,
  };
}

/** A line every tenth of an epoch at most, and not more than one in two seconds. */
export function plainView(terminal: Terminal, epochs: number, now: () => number): ProgressView {
  let lastLine = now();
  let lastTenth = -1;
  return {
    onStep: (entry, progress) => {
      const tenth = Math.floor((10 * progress.stepInEpoch) / progress.stepsPerEpoch);
      if (tenth === lastTenth || now() - lastLine < 2000) return;
      [lastLine, lastTenth] = [now(), tenth];
      terminal.out(
        `epoch ${entry.epoch}/${epochs}  step ${progress.stepInEpoch}/${progress.stepsPerEpoch}  ${figures(progress)}\n`,
      );
    },
    onEvaluation: () => undefined,
    onEpoch: (entry) => terminal.out(`${epochLine(entry, epochs)}\n`),
    note: (text) => terminal.out(`${text}\n`),
    close: () => undefined,
  };
}

/** One bar an epoch, replaced by the epoch's line when it ends. */
export function barView(terminal: Terminal, epochs: number): ProgressView {
  let bar: cliProgress.SingleBar | undefined;
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const start = (total: number): cliProgress.SingleBar => {
    const colour = terminal.errorColours;
    const barsize = Math.max(8, Math.min(28, terminal.columns - 75));
    const started = progressBar(`{title} ${colour.cyan("{bar}")} {value}/{total}  {figures}`, barsize);
    started.start(total, 0, { title: "", figures: "" });
    return started;
  };
  return {
    onStep: (entry, progress) => {
      bar ??= start(progress.stepsPerEpoch);
      bar.update(progress.stepInEpoch, { title: `epoch ${entry.epoch}/${epochs}`, figures: figures(progress) });
    },
    onEvaluation: (done, total) => bar?.update({ figures: `test images ${done}/${total}` }),
    onEpoch: (entry) => {
      close();
      terminal.out(`${epochLine(entry, epochs)}\n`);
    },
    note: (text) => {
      close();
      terminal.out(`${text}\n`);
    },
    close,
  };
}

function figures(progress: StepProgress): string {
  return [
    `loss ${progress.meanLoss.toFixed(4)}`,
    `accuracy ${percent(progress.meanAccuracy)}`,
    `${Math.round(progress.imagesPerSecond)} images/s`,
    `${formatSeconds(progress.secondsLeft)} left`,
  ].join("  ");
}

function epochLine(entry: EpochEntry, epochs: number): string {
  return [
    `epoch ${entry.epoch}/${epochs}`,
    `train loss ${entry.trainLoss.toFixed(4)} accuracy ${percent(entry.trainAccuracy)}`,
    `test loss ${entry.testLoss.toFixed(4)} accuracy ${percent(entry.testAccuracy)}`,
    `${Math.round(entry.imagesPerSecond)} images/s`,
    formatSeconds(entry.seconds),
  ].join("  ");
}

/** "79.3 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The same, or "–" where there is nothing to take a share of. */
export function shareText(share: number | undefined): string {
  return share === undefined ? "–" : percent(share);
}
