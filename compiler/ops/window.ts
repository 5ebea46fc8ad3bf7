/** Sizes of sliding windows, shared by convolution and pooling. */

/**
 * Output size along one dimension: floor((n + 2p - d(k-1) - 1) / s) + 1. With `ceilMode` it rounds up, but a window that
 * would start in the right padding is dropped (PyTorch's rule). Below 1 when the kernel does not fit.
 */
export function windowOutputSize(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  if (!ceilMode) return Math.floor(room / stride) + 1;
  const rounded = Math.ceil(room / stride) + 1;
  return (rounded - 1) * stride >= size + padding ? rounded - 1 : rounded;
}
