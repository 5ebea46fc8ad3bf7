/** What `cnnc tune` shows while it measures: a bar on a terminal, a line for each phase elsewhere. */
import type cliProgress from "cli-progress";
import type { TuneProgress } from "../tune/tuneNetwork.ts";
import { progressBar } from "./progressBar.ts";
import { formatSeconds, type Terminal } from "./terminal.ts";

export interface TuningView {
  readonly onProgress: (progress: TuneProgress) => void;
  /** A sentence beside the figures. */
  readonly note: (text: string) => void;
  /** Leaves the terminal in order; safe to call twice. */
  readonly close: () => void;
}

const phases = { ways: "ways for the whole network", kernels: "kernel by kernel", steps: "whole steps" } as const;

export function tuningView(terminal: Terminal, budgetSeconds: number, isJson: boolean): TuningView {
  return terminal.isInteractive && !isJson ? barView(terminal, budgetSeconds) : plainView(terminal);
}

function plainView({ error }: Terminal): TuningView {
  let phase = "";
  return {
    onProgress: (progress) => {
      if (progress.phase === phase) return;
      phase = progress.phase;
      error(`${formatSeconds(progress.seconds)}  ${phases[progress.phase]}\n`);
    },
    note: (text) => {
      error(`${text}\n`);
    },
    close: () => undefined,
  };
}

function barView(terminal: Terminal, budgetSeconds: number): TuningView {
  let bar: cliProgress.SingleBar | undefined;
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const start = (): cliProgress.SingleBar => {
    const started = progressBar(`{time} ${terminal.errorColours.cyan("{bar}")} {what}`, 20);
    started.start(budgetSeconds, 0, { time: "0:00", what: "" });
    return started;
  };
  return {
    onProgress: ({ phase, what, tried, seconds }) => {
      bar ??= start();
      const room = Math.max(30, terminal.columns - 25);
      const count = tried === 0 ? "" : `${tried} tried, `;
      bar.update(Math.min(seconds, budgetSeconds), {
        time: formatSeconds(seconds),
        what: `${phases[phase]}: ${count}${what}`.slice(0, room),
      });
    },
    note: (text) => {
      close();
      terminal.error(`${text}\n`);
    },
    close,
  };
}
