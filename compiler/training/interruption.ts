/** Ctrl-C during a run: the first asks it to stop after the steps under way, the second stops at once. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  readonly release: () => void;
}

/** Exit code of a process that SIGINT ended, by the shell's convention. */
export const interruptedExitCode = 130;

/** Listens for Ctrl-C and for a polite request to end (SIGTERM); `onFirst` says that the run is stopping. */
export function listenForInterruption(onFirst: () => void): Interruption {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(interruptedExitCode);
    controller.abort();
    onFirst();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
