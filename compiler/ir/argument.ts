/** argument.ts: what a layer or a part of a recipe takes, as the checker binds it and the documents list it. */
import type { AttrValue } from "./graph.ts";

/**
 * What an argument accepts. "size" is `n` or `(h, w)` and arrives as a pair; "word" is one of `words`; "sizeOrWord" either
 * (`padding: 2` or `padding: same`). "integers" and "reals" are a tuple, or one number for a tuple of one (`milestones: (30, 60)`,
 * `betas: (0.9, 0.999)`, `mean: 0.1307`), and arrive as an array.
 */
export type ArgumentType = "integer" | "real" | "boolean" | "size" | "word" | "sizeOrWord" | "integers" | "reals";

export interface LayerArgument {
  readonly name: string;
  /** A second name that is taken for the first: PyTorch's, where the language has one of its own. */
  readonly alias?: string;
  readonly type: ArgumentType;
  readonly doc: string;
  /** Absent when required or optional; a string starting with "=" copies another argument: "=kernel". */
  readonly default?: AttrValue;
  /** True where it may be left out without a default: what it stands for then is known later. */
  readonly optional?: true;
  /** How many numbers "integers" or "reals" take, where that is fixed. */
  readonly length?: number;
  readonly min?: number;
  readonly max?: number;
  /** True when `min` (or `max`) itself is not allowed. */
  readonly minExclusive?: true;
  readonly maxExclusive?: true;
  readonly words?: readonly string[];
}
