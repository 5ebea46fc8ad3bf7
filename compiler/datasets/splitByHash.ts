/** About one image in this many is for validation. */
const validationShare = 5;

/** FNV-1a of a text's UTF-8 bytes: the same number everywhere and forever. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  // FNV's low bits say little of the last letters.
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d) >>> 0;
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * Splits images by a hash of their names: about a fifth are for validation. Where an image goes depends on its name alone, so
 * that images which come or go move no other. Neither half is empty while there are two images.
 */
export function splitByHash(names: readonly string[]): { readonly train: Uint32Array; readonly test: Uint32Array } {
  const hashes = names.map(hashOf);
  const isTest = hashes.map((hash) => hash < 2 ** 32 / validationShare);
  const order = hashes.map((_, index) => index).sort((a, b) => (hashes[a] as number) - (hashes[b] as number));
  const [lowest, highest] = [order[0], order.at(-1)];
  if (names.length > 1 && lowest !== undefined && highest !== undefined) {
    isTest[lowest] = true;
    isTest[highest] = false;
  }
  const where = (wanted: boolean): Uint32Array =>
    Uint32Array.from(isTest.flatMap((test, index) => (test === wanted ? [index] : [])));
  return { train: where(false), test: where(true) };
}
