import { readFileSync } from "node:fs";
import { describeFileError, UserError } from "./userError.ts";

/** The bytes of a file; throws `UserError` with the path and the reason. */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${describeFileError(error)}`, 1, { cause: error });
  }
}

/** The text of a UTF-8 file, without a byte order mark; throws `UserError`, also at the first byte that is not UTF-8. */
export function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(
      `${path} is not UTF-8 text: the byte at offset ${firstInvalidByte(bytes)} does not belong there`,
    );
  }
}

/** Offset of the first byte that no valid UTF-8 text has at that place. */
function firstInvalidByte(bytes: Uint8Array): number {
  let [low, high] = [0, bytes.length];
  // The longest prefix that decodes, a sequence cut off at its end allowed.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      low = middle;
    } catch {
      high = middle - 1;
    }
  }
  return low;
}
