/** What went wrong, for a program that reacts to it; the message is for people. */
export type NetworkErrorKind = "input" | "weights" | "device" | "kernel" | "plan" | "destroyed" | "storage" | "loss";

/** Every error that the runtime makes itself. After one of kind "input" or "weights" nothing has changed. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  constructor(
    readonly kind: NetworkErrorKind,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

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
