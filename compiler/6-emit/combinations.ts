/** All offsets within the extents, row-major. */
export function* combinations(extents: readonly number[]): Iterable<readonly number[]> {
  const total = extents.reduce((product, extent) => product * extent, 1);
  for (let linear = 0; linear < total; linear++) {
    const offsets = extents.map(() => 0);
    let rest = linear;
    for (let dimension = extents.length - 1; dimension >= 0; dimension--) {
      const extent = extents[dimension] ?? 1;
      offsets[dimension] = rest % extent;
      rest = Math.floor(rest / extent);
    }
    yield offsets;
  }
}
