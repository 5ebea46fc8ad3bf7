/**
 * choices.ts: how a network is computed, where a caller decides instead of the cost model: a tuning table, or a test that wants
 * one way everywhere. What is computed never depends on it.
 */
import type { Schedule } from "./kernel.ts";

/** The ways that can be taken everywhere, or nowhere. */
export const ways = ["winograd", "packed", "implicitGemm", "staged", "subgroups"] as const;
export type Way = (typeof ways)[number];

/** Of each way: true takes it wherever it can be, false nowhere; without a word the cost model decides. */
export interface Choices {
  /** Convolutions of 3x3 and stride 1 by Winograd's F(2x2, 3x3). */
  readonly winograd?: boolean;
  /** Activations in blocks of four channels: [C / 4, H, W, 4]. */
  readonly packed?: boolean;
  /** A convolution's pixels as one axis, its channels and taps as another, as a matrix product has them. */
  readonly implicitGemm?: boolean;
  /** What the invocations of a workgroup read together lies in workgroup memory. */
  readonly staged?: boolean;
  /** What the invocations of a quad all read is loaded by one of them each, where the cost model expects a gain; needs the feature "subgroups". */
  readonly subgroups?: boolean;
  /** What inference is computed by instead; the same unless given. */
  readonly inference?: Choices;
  /** Schedules of single kernels, by `scheduleKey`. */
  readonly schedules?: ReadonlyMap<string, Schedule>;
}
