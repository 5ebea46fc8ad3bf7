import type { Diagnostic } from "./ir/diagnostic.ts";

/** A pass is a pure function from one IR to the next: no clock, no randomness, no environment, no change to its input. */
export type Pass<In, Out, Options = undefined> = (input: In, options: Options) => PassResult<Out>;

export interface PassResult<Out> {
  readonly output: Out;
  readonly diagnostics: readonly Diagnostic[];
}
