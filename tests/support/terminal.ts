import pico from "picocolors";
import type { Terminal } from "../../compiler/commands/terminal.ts";

/** A terminal without colours that keeps what is printed, for commands run in the test's own process. */
export function colourlessTerminal(): {
  readonly terminal: Terminal;
  readonly printed: { out: string; error: string };
} {
  const printed = { out: "", error: "" };
  const colours = pico.createColors(false);
  const terminal: Terminal = {
    out: (text) => {
      printed.out += text;
    },
    error: (text) => {
      printed.error += text;
    },
    isInteractive: false,
    columns: 80,
    outColours: colours,
    errorColours: colours,
  };
  return { terminal, printed };
}
