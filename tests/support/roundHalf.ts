/** The nearest f16 number, ties to even; numbers beyond its range become its largest, as kernels store them. */
export function roundHalf(value: number): number {
  if (!Number.isFinite(value)) return value;
  const size = Math.min(Math.abs(value), 65504);
  // Below 2^-14 all steps are 2^-24.
  const step = 2 ** (Math.max(-14, Math.floor(Math.log2(size))) - 10);
  const steps = size === 0 ? 0 : size / step;
  const below = Math.floor(steps);
  const rest = steps - below;
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  return Math.sign(value) * Math.min(rounded * step, 65504);
}
