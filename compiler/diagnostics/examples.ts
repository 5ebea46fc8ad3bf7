/** Small models around a few lines, for the catalogue's examples. */

/** The lines in a model of one-channel images that ends with 3 logits. */
export function imageExample(body: string): string {
  return `model Net {\n  input 1 x 8 x 8\n${body}  flatten\n  linear(3)\n}\n`;
}

/** The lines in a model of vectors that ends with 3 logits. */
export function vectorExample(body: string): string {
  return `model Net {\n  input 4\n${body}  linear(3)\n}\n`;
}
