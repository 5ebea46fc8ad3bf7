/** Where elaboration stands: the model or block being unfolded, and the calls that led there. */
import type { BlockDefinition } from "../ir/ast.ts";
import type { DiagnosticNote } from "../ir/diagnostic.ts";
import type { CallFrame, Head, PathName, ValueId } from "../ir/graph.ts";
import type { Span } from "../ir/source.ts";
import type { CheckContext } from "./context.ts";
import type { Place } from "./evaluate.ts";
import type { GraphBuilder } from "./graphBuilder.ts";
import type { PathScope } from "./modulePath.ts";
import type { Scope } from "./scope.ts";
import type { Tensor } from "./values.ts";

/** What a step passes on: a value, an error already reported, or nothing yet (above `input`). */
export type Flow = Tensor | "nothing" | "error";

/** One unfolding of a model or block. */
export interface Frame {
  readonly context: CheckContext;
  readonly graph: GraphBuilder;
  /** "model LeNet", "block vgg_block": for notes. */
  readonly within: string;
  readonly paths: PathScope;
  /** The calls on the way, outermost first. */
  readonly calls: readonly (CallFrame & { readonly definition: BlockDefinition })[];
  /** What only a model has. */
  readonly model: ModelFrame;
}

/** Shared by everything unfolded for one model. */
export interface ModelFrame {
  readonly heads: Map<string, { readonly head: Head; readonly span: Span; readonly classes: number }>;
  readonly named: Map<string, ValueId>;
  /** All named values, those inside blocks too, by path. */
  readonly names: PathName[];
  inputSpan: Span | undefined;
  reportedNoInput: boolean;
}

/** What kind of braces a statement stands in, for statements that are not allowed everywhere. */
export type BodyKind = "model" | "modelLoop" | "block" | "branch" | "head";

/** A body being walked: its names, and how it is nested. */
export interface BodyPlace {
  readonly frame: Frame;
  readonly scope: Scope;
  readonly kind: BodyKind;
}

export function placeOf({ scope }: BodyPlace, arriving: Flow): Place {
  return { scope, arriving };
}

/** Where a shape comes from: "16x4x4 comes from avg_pool: specs/lenet.cnn:6:39, in model LeNet". */
export function sourceNote(shape: string, { madeBy, type }: Tensor): DiagnosticNote {
  const comes = type.shape.length === 1 && type.shape[0] !== 1 ? "come" : "comes";
  return { message: `${shape} ${comes} from ${madeBy.what}`, span: madeBy.span, within: madeBy.within };
}
