/** The shape of what a recipe names: optimizers, initialisers and schedules, one file each, in the manner of ops. */
import type { ScalarExpr } from "../ir/expression.ts";
import { load } from "../ir/expression.ts";
import type { Initial, Parameter } from "../ir/graph.ts";
import type { RecipeValue } from "../ir/recipe.ts";
import type { LayerArgument } from "../ir/argument.ts";

/** Arguments after checking: defaults filled in. */
export type RecipeArgs = Readonly<Record<string, RecipeValue>>;

export interface RecipePart {
  readonly name: string;
  readonly doc: string;
  readonly arguments: readonly LayerArgument[];
  /** What is wrong with arguments that are each right by themselves, as a sentence without a full stop. */
  readonly check?: (args: RecipeArgs) => string | undefined;
}

// ---- Optimizers ------------------------------------------------------------------------------------------------

/** What an element of a parameter and of its states becomes in a step, from their values before it. */
export interface OptimizerUpdate {
  readonly parameter: ScalarExpr;
  readonly states: Readonly<Record<string, ScalarExpr>>;
}

/**
 * An optimizer works element by element. Its expressions load "parameter", "gradient" and its states' names with an
 * empty index; the uniform "step" counts from 0; states start at 0.
 */
export interface OptimizerDefinition extends RecipePart {
  readonly tag: "optimizer";
  readonly states: (args: RecipeArgs) => readonly string[];
  /** Numbers that the host may change between steps. */
  readonly uniforms: (args: RecipeArgs) => readonly { readonly name: string; readonly value: number }[];
  readonly update: (args: RecipeArgs) => OptimizerUpdate;
}

export function defineOptimizer(optimizer: Omit<OptimizerDefinition, "tag">): OptimizerDefinition {
  return { tag: "optimizer", ...optimizer };
}

/** The element at hand of "parameter", "gradient" or a state. */
export function here(name: string): ScalarExpr {
  return load(name, []);
}

// ---- Initialisers ----------------------------------------------------------------------------------------------

export interface InitialiserDefinition extends RecipePart {
  readonly tag: "initialiser";
  /** How weights start. Scales start at 1, shifts at 0 and slopes where their layer says, whatever the initialiser. */
  readonly weight: (parameter: Parameter, args: RecipeArgs) => Initial;
  /** How biases start; at 0 unless given. */
  readonly bias?: (parameter: Parameter, args: RecipeArgs) => Initial;
}

export function defineInitialiser(initialiser: Omit<InitialiserDefinition, "tag">): InitialiserDefinition {
  return { tag: "initialiser", ...initialiser };
}

/** How a parameter starts under an initialiser. */
export function initialOf(initialiser: InitialiserDefinition, parameter: Parameter, args: RecipeArgs): Initial {
  switch (parameter.role) {
    case "weight":
      return initialiser.weight(parameter, args);
    case "bias":
      return initialiser.bias?.(parameter, args) ?? { kind: "constant", value: 0 };
    case "scale":
      return { kind: "constant", value: 1 };
    case "shift":
      return { kind: "constant", value: 0 };
    case "slope":
      return { kind: "constant", value: parameter.start ?? 0.25 };
  }
}

// ---- Schedules -------------------------------------------------------------------------------------------------

/** Its formulas stand in `runtime/schedules.ts`, since apps train by them too. */
export interface ScheduleDefinition extends RecipePart {
  readonly tag: "schedule";
}

const warmup: LayerArgument = {
  name: "warmup",
  type: "real",
  min: 0,
  default: 0,
  doc: "epochs over which the rate rises from 0",
};

/** Every schedule takes `warmup` last. */
export function defineSchedule(schedule: Omit<ScheduleDefinition, "tag">): ScheduleDefinition {
  return { tag: "schedule", ...schedule, arguments: [...schedule.arguments, warmup] };
}

// ---- Arguments and collections ---------------------------------------------------------------------------------

/** An argument that must be a number; `otherwise` where it may be absent. */
export function numberArg(args: RecipeArgs, name: string, otherwise?: number): number {
  const value = args[name] ?? otherwise;
  if (typeof value !== "number") throw new TypeError(`argument ${name} is not a number`);
  return value;
}

function tagged<T extends { readonly tag: string; readonly name: string }>(
  modules: readonly object[],
  tag: T["tag"],
): ReadonlyMap<string, T> {
  const isTagged = (value: unknown): value is T =>
    typeof value === "object" && value !== null && "tag" in value && value.tag === tag;
  const found = modules.flatMap((module) => Object.values(module).filter(isTagged));
  return new Map(found.sort((a, b) => (a.name < b.name ? -1 : 1)).map((part) => [part.name, part]));
}

export function collectOptimizers(modules: readonly object[]): ReadonlyMap<string, OptimizerDefinition> {
  return tagged<OptimizerDefinition>(modules, "optimizer");
}
export function collectInitialisers(modules: readonly object[]): ReadonlyMap<string, InitialiserDefinition> {
  return tagged<InitialiserDefinition>(modules, "initialiser");
}
export function collectSchedules(modules: readonly object[]): ReadonlyMap<string, ScheduleDefinition> {
  return tagged<ScheduleDefinition>(modules, "schedule");
}
