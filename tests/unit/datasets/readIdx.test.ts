import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { readIdx } from "../../../compiler/datasets/readIdx.ts";
import { idxFile } from "../../support/idxFile.ts";

const labels = idxFile([5], [9, 0, 0, 3, 0]);
const images = idxFile([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

/** The bytes with some of them replaced, from an offset on. */
function patched(bytes: Uint8Array, offset: number, ...values: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, offset);
  return copy;
}

describe("a whole file", () => {
  test.each([
    ["plain", images],
    ["gzip", gzipSync(images)],
  ])("%s", (_, bytes) => {
    const { dimensions, elements } = readIdx(bytes, "images", 3);
    expect(dimensions).toEqual([2, 2, 3]);
    expect([...elements]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe("a file that is not right is refused with its name and the offset", () => {
  const packed = gzipSync(
    idxFile(
      [5000],
      Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251),
    ),
  );
  test.each<[string, Uint8Array, number, string]>([
    ["empty", new Uint8Array(), 1, "f: it ends at offset 0, inside the IDX magic number"],
    [
      "text",
      new TextEncoder().encode("hello"),
      1,
      "f: not an IDX file: offset 0 holds 0x68656c6c, expected 0x00000801",
    ],
    ["floats", patched(labels, 2, 0x0d), 1, "f: offset 2 gives element type 0x0d, expected 0x08 (unsigned byte)"],
    ["images for labels", images, 1, "f: offset 3 gives 3 dimensions, expected 1"],
    ["half a header", images.subarray(0, 9), 3, "f: it ends at offset 9, inside its header of 16 bytes"],
    ["too few", labels.subarray(0, 10), 1, "f: it is truncated: its data ends at offset 10, but 5 elements end at 13"],
    ["too many", patched(labels, 7, 4), 1, "f: 1 bytes too many after offset 12, where 4 elements end"],
    ["huge sizes", patched(images, 4, 255, 255, 255, 255), 3, "f: it is truncated: its data ends at offset 28"],
    ["half of a gzip", packed.subarray(0, packed.length >> 1), 1, "f: its gzip data is truncated: it stops at offset"],
    [
      "a damaged gzip",
      patched(packed, 40, 1, 2, 3, 4, 5),
      1,
      "f: its gzip data is damaged: it cannot be unpacked beyond offset 58 of the file",
    ],
    [
      "a gzip of other content",
      patched(packed, packed.length - 8, 1, 2, 3, 4),
      1,
      `f: its gzip data is damaged: its checksum at offset ${packed.length - 8} is of other content`,
    ],
  ])("%s", (_, bytes, rank, message) => {
    expect(() => readIdx(bytes, "f", rank)).toThrow(message);
  });
});
