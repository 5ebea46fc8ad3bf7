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
