/** Names inside a body, and what a name means where a step or where a value stands. */
import {
  circularLet, graphValueAsNumber, modelAsStep, notAStepValue, unknownName, unknownStep,
} from "../diagnostics/names.ts"; // prettier-ignore
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Identifier, LetStatement } from "../ir/ast.ts";
import type { CheckContext } from "./context.ts";
import { entriesOf, visibleNames, type Entry, type FileScope } from "./fileScope.ts";
import { functionNames } from "./functions.ts";
import { describeValue, errorValue, type CallableValue, type Value } from "./values.ts";

/** The names between one pair of braces. `parent` is the body around it, of the same block. */
export interface Scope {
  readonly file: FileScope;
  readonly names: Map<string, Value>;
  readonly parent?: Scope;
}

export function innerScope(parent: Scope): Scope {
  return { file: parent.file, names: new Map(), parent };
}
export function fileLevelScope(file: FileScope): Scope {
  return { file, names: new Map() };
}

/** What works out a file's `let`: the evaluator, handed in since it needs this file too. */
export type EvaluateLet = (statement: LetStatement, file: FileScope) => ReadonlyMap<string, Value>;

/** The local bindings of a name, innermost first. */
function* localValues(scope: Scope, name: string): Generator<Value> {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const value = at.names.get(name);
    if (value !== undefined) yield value;
  }
}

/** All names given inside the bodies around, for suggestions. */
export function localNames(scope: Scope): readonly string[] {
  return [...scope.names.keys(), ...(scope.parent === undefined ? [] : localNames(scope.parent))];
}

function plainCallable(entry: Entry & { readonly kind: "block" }): CallableValue {
  return { kind: "callable", target: { kind: "block", block: entry.block, file: entry.file }, held: new Map() };
}

function layerCallable(name: string, context: CheckContext): CallableValue | undefined {
  const layer = context.tables.layers.get(name);
  return layer === undefined ? undefined : { kind: "callable", target: { kind: "layer", layer }, held: new Map() };
}

/** The value of a file's `let`, worked out once; a circle is reported and gives an error value. */
function letValue(entry: Entry & { readonly kind: "let" }, context: CheckContext, evaluateLet: EvaluateLet): Value {
  const known = context.fileLets.get(entry.statement);
  if (known === "running") {
    context.report(circularLet.at(entry.statement.span, { name: entry.name }));
    return errorValue;
  }
  if (known !== undefined) return known.get(entry.name) ?? errorValue;
  context.fileLets.set(entry.statement, "running");
  const values = evaluateLet(entry.statement, entry.file);
  context.fileLets.set(entry.statement, values);
  return values.get(entry.name) ?? errorValue;
}

/** What a name is where only layers, blocks and names that hold one are seen; names of numbers are passed over. */
export function findCallable(
  name: string,
  scope: Scope,
  context: CheckContext,
  evaluateLet: EvaluateLet,
): { readonly found?: CallableValue | "error"; readonly passedOver?: Value | "model" } {
  const layer = layerCallable(name, context);
  if (layer !== undefined) return { found: layer };
  let passedOver: Value | "model" | undefined;
  for (const value of localValues(scope, name)) {
    if (value.kind === "callable") return { found: value };
    if (value.kind === "error") return { found: "error" };
    passedOver ??= value;
  }
  for (const entry of entriesOf(scope.file, name)) {
    if (entry.kind === "block") return { found: plainCallable(entry) };
    if (entry.kind === "model") passedOver ??= "model";
    else {
      const value = letValue(entry, context, evaluateLet);
      if (value.kind === "callable") return { found: value };
      if (value.kind === "error") return { found: "error" };
      passedOver ??= value;
    }
  }
  return passedOver === undefined ? {} : { passedOver };
}

/** The layer or block that a step names; undefined after a diagnostic. */
export function lookUpStep(
  { text: name, span }: Identifier,
  scope: Scope,
  context: CheckContext,
  evaluateLet: EvaluateLet,
): CallableValue | undefined {
  if (name === "") return undefined;
  const { found, passedOver } = findCallable(name, scope, context, evaluateLet);
  if (found === "error") return undefined;
  if (found !== undefined) return found;
  if (passedOver === "model") context.report(modelAsStep.at(span, { name }));
  else if (passedOver?.kind === "tensor") {
    const help = `\`from ${name}\` starts a chain from this value`;
    context.report(notAStepValue.at(span, { name, found: describeValue(passedOver) }, { help }));
  } else if (passedOver !== undefined) {
    context.report(notAStepValue.at(span, { name, found: describeValue(passedOver) }));
  } else context.report(unknownStep.at(span, { name }, { help: didYouMean(name, stepNames(scope, context)) }));
  return undefined;
}

/** Every name that could stand as a step, for suggestions. */
export function stepNames(scope: Scope, context: CheckContext): readonly string[] {
  return [...context.tables.layers.keys(), ...visibleNames(scope.file, ["block"]), ...localNames(scope)];
}

/** Every name that could stand as a value, for suggestions. */
export function valueNames(scope: Scope, context: CheckContext): readonly string[] {
  const visible = visibleNames(scope.file, ["block", "let"]);
  return [...localNames(scope), ...visible, ...context.tables.layers.keys(), ...context.words];
}

/** The value that a name holds; an error value after a diagnostic. Names of graph values are for `from` only. */
export function lookUpValue(
  { text: name, span }: Identifier,
  scope: Scope,
  context: CheckContext,
  evaluateLet: EvaluateLet,
): Value {
  const value = findValue(name, scope, context, evaluateLet);
  if (value?.kind === "tensor") {
    context.report(graphValueAsNumber.at(span, { name }, { help: tensorHelp(name, value) }));
    return errorValue;
  }
  if (value !== undefined) return value;
  if (entriesOf(scope.file, name).some(({ kind }) => kind === "model")) {
    context.report(modelAsStep.at(span, { name }));
    return errorValue;
  }
  const help = functionNames.includes(name)
    ? `\`${name}\` is a function: ${name}(…)`
    : didYouMean(name, valueNames(scope, context));
  context.report(unknownName.at(span, { name }, { help }));
  return errorValue;
}

function tensorHelp(name: string, value: Value & { readonly kind: "tensor" }): string | undefined {
  if (value.tensor === "error") return undefined;
  const member = value.tensor.type.shape.length === 1 ? "features" : "channels";
  return `\`${name}.${member}\` is a number`;
}

/** The value that a name holds, graph values included; undefined when there is none. */
export function findValue(
  name: string,
  scope: Scope,
  context: CheckContext,
  evaluateLet: EvaluateLet,
): Value | undefined {
  if (name === "") return errorValue;
  for (const value of localValues(scope, name)) return value;
  for (const entry of entriesOf(scope.file, name)) {
    if (entry.kind === "block") return plainCallable(entry);
    if (entry.kind === "let") return letValue(entry, context, evaluateLet);
  }
  return layerCallable(name, context) ?? (context.words.has(name) ? { kind: "word", word: name } : undefined);
}
