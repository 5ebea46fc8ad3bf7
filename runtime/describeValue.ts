/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The type of a value in a programmer's words: "Float64Array of 784 values". */
export function describeValue(value: unknown): string {
  if (value === null || typeof value !== "object") return value === undefined ? "undefined" : `a ${typeof value}`;
  const { length } = value as { length?: unknown };
  const name = (value as { constructor?: { name?: string } }).constructor?.name ?? "object";
  return typeof length === "number" ? `${name} of ${length} values` : `a value of type ${name}`;
}
