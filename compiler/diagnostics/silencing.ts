/** CNN6xxx: the comments that silence warnings. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";

const net = (comment: string): string =>
  `model Net {\n  input 1 x 28 x 28\n  flatten\n  linear(10) -> dropout(0.5)${comment}\n}\n`;

export const unknownAllowedCode = defineDiagnostic<{ readonly code: string; readonly isError: boolean }>({
  code: "CNN6010",
  severity: "warning",
  title: "A comment that allows what is no warning",
  message: ({ code, isError }) => {
    if (code === "") return "`cnnc-allow` names no warning";
    return isError ? `${code} is not a warning that can be allowed` : `there is no warning \`${code}\``;
  },
  explanation:
    "`cnnc-allow` is followed by the codes of warnings, `CNN6001` to `CNN6009`, separated by commas; a reason may follow " +
    "behind a colon. Errors cannot be allowed, nor can the warnings about such comments.",
  failing: net(" // cnnc-allow CNN6005, CNN6055"),
  mended: net(" // cnnc-allow CNN6005"),
});

export const uselessAllow = defineDiagnostic<{ readonly code: string }>({
  code: "CNN6011",
  severity: "warning",
  title: "A comment that silences nothing",
  message: ({ code }) => `there is no ${code} here to allow`,
  explanation:
    "`cnnc-allow` speaks of the line that it ends, or, on a line of its own, of the next line with text. This is " +
    "reported where a file is checked as it stands, without `--set`, `--model`, `--recipe` and `--batch`, and where " +
    "none of its models and recipes gives that warning there.",
  failing: net("").replace("flatten", "flatten // cnnc-allow CNN6005").replace(" -> dropout(0.5)", ""),
  mended: net("").replace(" -> dropout(0.5)", ""),
});
