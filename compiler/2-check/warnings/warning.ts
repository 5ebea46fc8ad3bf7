/** What every check for warnings is given, and what it finds. */
import type { RecipeEntry, TrainDefinition } from "../../ir/ast.ts";
import type { Diagnostic, DiagnosticNote } from "../../ir/diagnostic.ts";
import type { DiagnosticDefinition } from "../../diagnostics/defineDiagnostic.ts";
import type { Graph, GraphNode, Head, Origin, Parameter, ValueId } from "../../ir/graph.ts";
import type { Recipe } from "../../ir/recipe.ts";
import type { Span } from "../../ir/source.ts";
import type { LayerTable } from "../context.ts";

/** A warning, with the calls of blocks that led to its place: it may be allowed at any of them. */
export interface Warning {
  readonly diagnostic: Diagnostic;
  readonly calls: readonly Span[];
}

/** A checked model with its recipe, and what the checks look up in it. */
export interface Subject {
  readonly graph: Graph;
  /** The recipe in use and its text; both or neither. */
  readonly recipe: Recipe | undefined;
  readonly train: TrainDefinition | undefined;
  /** `--batch N`. */
  readonly batch: number | undefined;
  readonly ownImages: boolean;
  readonly ops: LayerTable["ops"];
  readonly nodeOf: ReadonlyMap<ValueId, GraphNode>;
  readonly parameterOf: ReadonlyMap<ValueId, Parameter>;
}

/** A warning at a step, with a note for each call on the way to it, the innermost first. */
export function warnAt<Params>(
  definition: DiagnosticDefinition<Params>,
  origin: Origin,
  params: Params,
  subject: Subject,
  details: {
    readonly span?: Span;
    readonly notes?: readonly DiagnosticNote[];
    readonly help?: string | undefined;
  } = {},
): Warning {
  const { calls } = origin;
  const callNotes = calls.map(({ block, span }, i) => {
    const around = calls[i - 1];
    const within = around === undefined ? `model ${subject.graph.name}` : `block ${around.block}`;
    return { message: `in block ${block}, called here`, span, within };
  });
  const notes = [...(details.notes ?? []), ...callNotes.reverse()];
  return {
    diagnostic: definition.at(details.span ?? origin.span, params, { notes, help: details.help }),
    calls: calls.map(({ span }) => span),
  };
}

/** "linear2" or "layer1.conv2", as summaries name a layer; joins go by their word. */
export function layerName({ origin, op }: GraphNode): string {
  return origin.path === "" ? op : origin.path;
}

/** "model Net", or "head aux". */
export function endName(head: Head, { graph }: Subject): string {
  return head.name === "output" ? `model ${graph.name}` : `head ${head.name}`;
}

/** Whether a node mixes its inputs by weights: a convolution or a linear layer. */
export function isLayer(node: GraphNode, { parameterOf }: Subject): boolean {
  return Object.values(node.inputs).some((value) => {
    const parameter = parameterOf.get(value);
    return parameter?.role === "weight" && parameter.type.shape.length >= 2;
  });
}

/** A line of the recipe in use. */
export function recipeLine({ train }: Subject, key: string): RecipeEntry | undefined {
  return train?.entries.find((entry) => entry.key.text === key);
}
