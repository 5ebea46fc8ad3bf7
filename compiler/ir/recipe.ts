/** recipe.ts: a `train` definition after checking, defaults filled in. Everything is a static value. */
import type { Span } from "./source.ts";

export type RecipeValue = number | boolean | string | readonly number[];

/** A named thing with its arguments: `sgd(lr: 0.1)`. Defaults are filled in. */
export interface RecipeCall {
  readonly name: string;
  readonly args: Readonly<Record<string, RecipeValue>>;
}

export type DataSource =
  | { readonly kind: "named"; readonly name: "fashion_mnist" | "mnist" | "cifar10" | "cifar100" }
  | { readonly kind: "images"; readonly directory: string }
  | { readonly kind: "arrays"; readonly images: string; readonly labels: string };

export interface DataRecipe {
  readonly source: DataSource;
  /** Height and width after bilinear resizing. */
  readonly resize?: readonly [number, number];
  /** (x - mean) / std after x / 255; one value, or one a channel. */
  readonly normalize?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly subtract?: "mean_image" | "mean_channel";
  readonly augment: readonly RecipeCall[];
}

export interface Recipe {
  readonly model: string;
  /** The name after `as`; "" for the model's plain recipe. */
  readonly name: string;
  readonly data: DataRecipe;
  readonly loss:
    | { readonly kind: "cross_entropy"; readonly labelSmoothing: number; readonly classWeights?: readonly number[] }
    | { readonly kind: "nll"; readonly classWeights?: readonly number[] };
  readonly optimizer: RecipeCall;
  readonly schedule: RecipeCall;
  readonly init: RecipeCall;
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  readonly clipNorm?: number;
  readonly accumulate: number;
  readonly earlyStopPatience?: number;
  readonly freeze: readonly string[];
  /** The share of the activations' bytes that a step may hold for its backward pass; `span` is where it is asked for. */
  readonly memory?: { readonly share: number; readonly span: Span };
  readonly precision: "f32" | "f16";
}
