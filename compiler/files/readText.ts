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

/** Offset of the first character that is not valid UTF-8: the longest prefix that decodes ends there. */
function firstInvalidByte(bytes: Uint8Array): number {
  const decodes = (length: number, stream: boolean): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  let [low, high] = [0, bytes.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (decodes(middle, true)) low = middle;
    else high = middle - 1;
  }
  // As a stream, a prefix may end inside a character: back to that character's first byte.
  while (low > 0 && !decodes(low, false)) low--;
  return low;
}
