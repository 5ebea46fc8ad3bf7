/** The bar that long commands show on a terminal; it goes when it is stopped. */
import cliProgress from "cli-progress";

/** A bar of `barsize` characters on the error output; `format` has {bar} and what updates give. */
export function progressBar(format: string, barsize: number): cliProgress.SingleBar {
  return new cliProgress.SingleBar({
    format,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    gracefulExit: false,
    stream: process.stderr,
    fps: 8,
  });
}
