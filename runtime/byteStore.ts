/** Where an app keeps weights and checkpoints: bytes by name. IndexedDB in browsers here, files in `cnnc/node`. */
import { NetworkError } from "./errors.ts";

export interface ByteStore {
  /** Keeps bytes under a name, in place of those before; resolves once they are safe. */
  save(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The bytes of a name; undefined where there are none. */
  load(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  remove(name: string): Promise<void>;
  names(): Promise<readonly string[]>;
}

/** IndexedDB, as far as it is needed: the runtime is checked without the DOM's types. */
interface Request<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
interface ObjectStore {
  put(value: Uint8Array, key: string): Request<unknown>;
  get(key: string): Request<Uint8Array<ArrayBuffer> | undefined>;
  delete(key: string): Request<unknown>;
  getAllKeys(): Request<readonly string[]>;
}
interface Transaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): ObjectStore;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(name: string, mode: "readonly" | "readwrite", options: { readonly durability: "strict" }): Transaction;
  close(): void;
}
interface OpenRequest extends Request<Database> {
  onupgradeneeded: (() => void) | null;
}

const table = "files";

/**
 * Bytes in a database of the browser, which pages and workers of one origin share. What fails (no room left, a private window)
 * rejects with a NetworkError of kind "storage", and what was kept before stays.
 */
export function indexedDbStore(database = "cnnc"): ByteStore {
  const open = (): Promise<Database> =>
    new Promise((resolve, reject) => {
      const { indexedDB } = globalThis as { readonly indexedDB?: { open(name: string, version: number): OpenRequest } };
      if (indexedDB === undefined)
        throw new Error("there is no IndexedDB here (in Node, `cnnc/node` has `folderStore`)");
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(table);
      request.onsuccess = () => {
        resolve(request.result);
      };
      request.onerror = () => {
        reject(asError(request.error));
      };
    });
  /** One transaction: all of it, or nothing. */
  const run = async <T>(
    what: string,
    mode: "readonly" | "readwrite",
    ask: (files: ObjectStore) => Request<T>,
  ): Promise<T> => {
    let opened: Database | undefined;
    try {
      opened = await open();
      const transaction = opened.transaction(table, mode, { durability: "strict" });
      const request = ask(transaction.objectStore(table));
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => {
          resolve();
        };
        transaction.onabort = () => {
          reject(asError(transaction.error ?? request.error));
        };
      });
      return request.result;
    } catch (error) {
      throw new NetworkError("storage", `cannot ${what} in the database ${database}: ${asError(error).message}`, {
        cause: error,
      });
    } finally {
      opened?.close();
    }
  };
  return {
    async save(name, bytes) {
      // A view would be kept with all of the memory that it looks at.
      const own = (): Uint8Array => (bytes.byteLength < bytes.buffer.byteLength ? bytes.slice() : bytes);
      await run(`save ${name}`, "readwrite", (files) => files.put(own(), name));
    },
    load: (name) => run(`load ${name}`, "readonly", (files) => files.get(name)),
    async remove(name) {
      await run(`remove ${name}`, "readwrite", (files) => files.delete(name));
    },
    names: () => run("list names", "readonly", (files) => files.getAllKeys()),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
