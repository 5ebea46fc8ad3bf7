/** Shapes of tensors: how many numbers they hold, and how messages write them. */

/** Numbers of a tensor of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Numbers of a tensor. */
export function elementCount({ shape }: { readonly shape: readonly number[] }): number {
  return sizeOf(shape);
}

/** "6 x 1 x 5 x 5", as messages write shapes. */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? "a single number" : shape.join(" x ");
}
