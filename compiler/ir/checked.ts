/** checked.ts: what the checker hands on: one elaborated model, and the recipe that trains it. */
import type { Graph } from "./graph.ts";
import type { Recipe } from "./recipe.ts";

/** What is asked of a file that may hold several models and recipes. */
export interface CheckOptions {
  /** `--model NAME`; the last model of the file otherwise, or the recipe's model when a recipe is named. */
  readonly model?: string;
  /** `--set name=text`: texts are parsed as expressions of the language. They win over a recipe's arguments. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `--recipe NAME`; the model's unnamed recipe otherwise (or its only one). */
  readonly recipe?: string;
  /** `--batch N`: images a step; the recipe's otherwise. Only warnings depend on it here. */
  readonly batch?: number;
  /** The images come from elsewhere (`--data DIR`): what is known of the data set that the recipe names may not hold. */
  readonly ownImages?: boolean;
  /** Accept an output that is not a vector of logits: operators and blocks checked alone. */
  readonly anyOutput?: boolean;
}

/** A model's parameter with the value that it was elaborated with, as text of the language. */
export interface ModelSetting {
  readonly name: string;
  readonly value: string;
}

export interface CheckedProgram {
  readonly graph: Graph;
  readonly settings: readonly ModelSetting[];
  /** The recipe in use; absent when the model has none. */
  readonly recipe?: Recipe;
  readonly models: readonly string[];
  readonly recipes: readonly string[];
  /** The comment above the model. */
  readonly doc: string;
}
