/** What expressions of the language are worth while compiling, and how values are shown to people. */
import type { BlockDefinition } from "../ir/ast.ts";
import { formatShape, type TensorType, type ValueId } from "../ir/graph.ts";
import type { Span } from "../ir/source.ts";
import type { LayerDefinition } from "../ops/defineOp.ts";
import type { FileScope } from "./fileScope.ts";

export type Value =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  /** A bare word such as `same`, where no name hides it. */
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "tuple"; readonly items: readonly Value[] }
  | CallableValue
  /** A name that `as` gave to a value of the network; "error" when its step failed. */
  | { readonly kind: "tensor"; readonly tensor: Tensor | "error" }
  /** Stands for what could not be worked out; a diagnostic has been reported. */
  | { readonly kind: "error" };

/** A layer or block, with the arguments that it holds by their parameters' names. */
export interface CallableValue {
  readonly kind: "callable";
  readonly target: CallTarget;
  readonly held: BoundArguments;
}
export type CallTarget =
  | { readonly kind: "layer"; readonly layer: LayerDefinition }
  | { readonly kind: "block"; readonly block: BlockDefinition; readonly file: FileScope };

export interface BoundArgument {
  readonly value: Value;
  readonly span: Span;
}
export type BoundArguments = ReadonlyMap<string, BoundArgument>;

/** A value of the network while it is being elaborated, with the step that made it. */
export interface Tensor {
  readonly id: ValueId;
  readonly type: TensorType;
  readonly madeBy: { readonly what: string; readonly span: Span; readonly within: string };
}

export const errorValue: Value = { kind: "error" };

export function numberValue(value: number): Value {
  return { kind: "number", value };
}

export function callableName(target: CallTarget): string {
  return target.kind === "layer" ? target.layer.name : target.block.name.text;
}

/** "16x4x4", or "784 features" for a vector. */
export function shapeText(type: TensorType): string {
  const [features] = type.shape;
  return type.shape.length === 1 ? `${features} feature${features === 1 ? "" : "s"}` : formatShape(type.shape);
}

const longestText = 80;

/** A value as text of the language, cut short when it is long. */
export function formatValue(value: Value): string {
  const text = formatWithin(value, longestText);
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}

// A tuple may hold itself many times over, so the text is bounded while it grows and not only at its end.
function formatWithin(value: Value, room: number): string {
  switch (value.kind) {
    case "number":
      return String(value.value);
    case "boolean":
      return String(value.value);
    case "string":
      return JSON.stringify(value.value);
    case "word":
      return value.word;
    case "tuple": {
      const items = formatList(value.items, room);
      return value.items.length === 1 ? `(${items},)` : `(${items})`;
    }
    case "callable": {
      const name = callableName(value.target);
      if (value.held.size === 0) return name;
      const held = [...value.held].map(([argument, { value: item }]) => `${argument}: ${formatWithin(item, room)}`);
      return `${name}(${held.join(", ")})`;
    }
    case "tensor":
      return value.tensor === "error" ? "?" : shapeText(value.tensor.type);
    case "error":
      return "?";
  }
}

function formatList(items: readonly Value[], room: number): string {
  let text = "";
  for (const [position, item] of items.entries()) {
    if (position > 0) text += ", ";
    if (text.length > room) return `${text}…`;
    text += formatWithin(item, room - text.length);
  }
  return text;
}

/** A value as a message names it: "the number 2.5", "the tuple (1, 2)", "the layer relu". */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case "number":
      return `the number ${formatValue(value)}`;
    case "boolean":
      return formatValue(value);
    case "string":
      return `the string ${formatValue(value)}`;
    case "word":
      return `the word \`${value.word}\``;
    case "tuple":
      return `the tuple ${formatValue(value)}`;
    case "callable":
      return `the ${value.target.kind} ${formatValue(value)}`;
    case "tensor":
      return "a value of the network";
    case "error":
      return "an error";
  }
}
