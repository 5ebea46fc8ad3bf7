// Makes specs/data/fashion-mnist from the full Fashion-MNIST: the first images and labels of each set, in order, as the
// same IDX files. Compressed by the same zlib, the same input gives the same bytes (no time in the gzip header).
//
//   node tests/support/makeFashionSubset.mjs [FOLDER-OF-THE-FULL-SET]
//
// Debian's package `dataset-fashion-mnist` puts the full set into the default folder.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const sourceFolder = process.argv[2] ?? "/usr/share/datasets/fashion-mnist";
const targetFolder = join(import.meta.dirname, "../../specs/data/fashion-mnist");

/** The first `count` items of an IDX file of unsigned bytes, as an IDX file. */
function firstItems(idx, count) {
  const dimensions = idx.readUInt8(3);
  const headerBytes = 4 + 4 * dimensions;
  let itemBytes = 1;
  for (let axis = 1; axis < dimensions; axis++) itemBytes *= idx.readUInt32BE(4 + 4 * axis);
  if (idx.readUInt16BE(0) !== 0 || idx.readUInt8(2) !== 0x08) throw new Error("not an IDX file of unsigned bytes");
  if (idx.readUInt32BE(4) < count) throw new Error(`fewer than ${count} items`);
  const subset = Buffer.from(idx.subarray(0, headerBytes + count * itemBytes));
  subset.writeUInt32BE(count, 4);
  return subset;
}

for (const [set, count] of [
  ["train", 4000],
  ["t10k", 2000],
]) {
  for (const part of ["images-idx3", "labels-idx1"]) {
    const name = `${set}-${part}-ubyte.gz`;
    const subset = firstItems(gunzipSync(readFileSync(join(sourceFolder, name))), count);
    const packed = gzipSync(subset, { level: 9 });
    writeFileSync(join(targetFolder, name), packed);
    console.log(`${name}: ${count} items, ${packed.length} bytes`);
  }
}
