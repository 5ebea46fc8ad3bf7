/** Where apps keep weights and checkpoints: IndexedDB (a stand-in here, Chromium's own in tests/portable) and files. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { IDBFactory } from "fake-indexeddb";
import { folderStore } from "../../../compiler/node/folderStore.ts";
import { indexedDbStore } from "../../../runtime/app.ts";
import type { ByteStore } from "../../../runtime/app.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const own = globalThis as { indexedDB?: unknown };
beforeEach(() => {
  own.indexedDB = new IDBFactory();
});
afterEach(() => {
  delete own.indexedDB;
});
const folder = temporaryFolder({ file: "not a folder" });
const stores: readonly (readonly [string, () => ByteStore])[] = [
  ["indexedDbStore", () => indexedDbStore("tests")],
  ["folderStore", () => folderStore(join(folder, "kept", "here"))],
];

describe.each(stores)("%s", (_, open) => {
  test("gives back what was saved, to whoever opens it, and nothing after it was removed", async () => {
    const store = open();
    expect(await store.names()).toEqual([]);
    expect(await store.load("weights")).toBeUndefined();
    const whole = Uint8Array.from({ length: 300 }, (_, i) => i);
    await store.save("weights", whole.subarray(8, 264));
    await store.save("größe 2", Uint8Array.of(7));
    const loaded = await open().load("weights");
    expect(loaded).toEqual(whole.slice(8, 264));
    expect(loaded?.constructor).toBe(Uint8Array);
    expect(loaded?.buffer.byteLength).toBe(256);
    expect(await store.names()).toEqual(["größe 2", "weights"]);
    await store.save("weights", Uint8Array.of(1));
    expect(await store.load("weights")).toEqual(Uint8Array.of(1));
    for (const name of await store.names()) await store.remove(name);
    await store.remove("never there");
    expect(await store.names()).toEqual([]);
  });
});

test("what fails says what and why, and leaves what was there", async () => {
  const store = indexedDbStore("tests");
  await store.save("weights", Uint8Array.of(1));
  const notBytes = (() => undefined) as unknown as Uint8Array<ArrayBuffer>;
  await expect(store.save("weights", notBytes)).rejects.toMatchObject({
    kind: "storage",
    message: expect.stringMatching(/^cannot save weights in the database tests: /),
  });
  expect(await store.load("weights")).toEqual(Uint8Array.of(1));
  delete own.indexedDB;
  await expect(store.names()).rejects.toThrow(
    "cannot list names in the database tests: there is no IndexedDB here (in Node, `cnnc/node` has `folderStore`)",
  );

  const files = folderStore(join(folder, "kept"));
  for (const name of ["../file", "a/b", "a\\b", ".hidden", ""]) {
    await expect(files.save(name, Uint8Array.of(1))).rejects.toMatchObject({ kind: "storage" });
    await expect(files.load(name)).rejects.toThrow("no slashes, and no dot in front");
  }
  await expect(folderStore(join(folder, "file")).save("weights", Uint8Array.of(1))).rejects.toMatchObject({
    kind: "storage",
    message: expect.stringContaining("a file of that name is there already"),
  });
  // What a kill left half-written is not listed.
  await files.save("weights", Uint8Array.of(1));
  writeFileSync(join(folder, "kept", ".weights.1.tmp"), "");
  expect(await files.names()).toContain("weights");
  expect(await files.names()).not.toContain(".weights.1.tmp");
  expect(readdirSync(join(folder, "kept"))).toContain(".weights.1.tmp");
});
