/** Bilinear resizing of bytes on the host, with the half-pixel centres that the kernels have; the result is rounded. */

/** Channel planes of [channels, height, width] as planes of another size; the same array where the size is the same. */
export function resizeBytes(
  planes: Uint8Array<ArrayBuffer>,
  [channels, height, width]: readonly [number, number, number],
  [rows, columns]: readonly [number, number],
): Uint8Array<ArrayBuffer> {
  if (rows === height && columns === width) return planes;
  const resized = new Uint8Array(channels * rows * columns);
  const [down, across] = [taps(height, rows), taps(width, columns)];
  let at = 0;
  for (let plane = 0; plane < channels; plane++) {
    for (const row of down) {
      const [upper, lower] = [(plane * height + row.low) * width, (plane * height + row.high) * width];
      for (const { low, high, weight } of across) {
        const above = mix(planes[upper + low] as number, planes[upper + high] as number, weight);
        const below = mix(planes[lower + low] as number, planes[lower + high] as number, weight);
        resized[at++] = Math.round(mix(above, below, row.weight));
      }
    }
  }
  return resized;
}

/** Between which places, and how far between them, each of `to` places lies along `from`. */
function taps(
  from: number,
  to: number,
): readonly { readonly low: number; readonly high: number; readonly weight: number }[] {
  return Array.from({ length: to }, (_, i) => {
    // Beyond the last place, both are the last.
    const place = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.floor(place);
    return { low, high: Math.min(low + 1, from - 1), weight: place - low };
  });
}

function mix(from: number, to: number, weight: number): number {
  return from + (to - from) * weight;
}
