/** Images that lie in a file one after another, each in as many bytes: read when they are needed, from where they lie. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { describeFileError } from "../files/userError.ts";
import { DatasetError } from "./datasetError.ts";

/** A file that stays open; bytes are read by their offset. */
export interface RecordFile {
  readonly path: string;
  readonly size: number;
  read(into: Uint8Array, offset: number): void;
  close(): void;
}

/** Opens a file for reading by offset; throws `DatasetError`. */
export function openRecordFile(path: string): RecordFile {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw new DatasetError(`cannot read ${path}: ${describeFileError(error)}`, 1, { cause: error });
    }
  };
  const file = attempt(() => openSync(path, "r"));
  const size = attempt(() => fstatSync(file).size);
  return {
    path,
    size,
    read(into, offset) {
      let done = 0;
      while (done < into.length) {
        const count = attempt(() => readSync(file, into, done, into.length - done, offset + done));
        if (count === 0)
          throw new DatasetError(`${path}: it ends at offset ${offset + done}; it was longer when it was opened`);
        done += count;
      }
    },
    close() {
      closeSync(file);
    },
  };
}
