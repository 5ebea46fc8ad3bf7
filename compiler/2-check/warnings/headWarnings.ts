/** Parts of a network that no loss trains: heads of weight 0, and layers whose result nothing uses. */
import { headWithoutLoss, layersWithoutLoss } from "../../diagnostics/warnings.ts";
import type { HeadStatement } from "../../ir/ast.ts";
import { elementCount, type GraphNode, type ValueId } from "../../ir/graph.ts";
import { layerName, warnAt, type Subject, type Warning } from "./warning.ts";

/** `heads` are the head statements of the program's files, for the places of their weights. */
export function headWarnings(subject: Subject, heads: readonly HeadStatement[]): readonly Warning[] {
  return subject.graph.heads.flatMap((head) => {
    if (head.weight !== 0) return [];
    const statement = heads.find(({ span }) => span.file === head.origin.span.file && span.start === head.origin.span.start); // prettier-ignore
    const span = statement?.weight?.span ?? head.origin.span;
    const help = "`weight 0.3` makes it weigh in training; leave the head out where it is not needed";
    return [warnAt(headWithoutLoss, head.origin, { head: head.name }, subject, { span, help })];
  });
}

/** One warning for each value that is made by layers with parameters and then left behind. */
export function unusedLayers(subject: Subject): readonly Warning[] {
  const { graph } = subject;
  const used = new Set<ValueId>(graph.nodes.flatMap(({ inputs }) => Object.values(inputs)));
  const reached = ancestors(graph.heads.map(({ value }) => value), subject); // prettier-ignore
  const ends = graph.nodes.filter(({ output }) => !used.has(output) && !reached.has(output));
  return ends.flatMap((end) => {
    const lost = [...ancestors([end.output], subject)].filter((value) => !reached.has(value));
    const parameters = lost.flatMap((value) => subject.parameterOf.get(value) ?? []);
    if (parameters.length === 0) return [];
    const count = parameters.reduce((sum, { type }) => sum + elementCount(type), 0);
    const last = lastLayer(end, subject);
    const help = "`head NAME { … }` around these steps gives them a loss of their own";
    return [warnAt(layersWithoutLoss, end.origin, { last: layerName(last), parameters: count }, subject, { help })];
  });
}

/** The node itself, or the one before it where it is a mere view. */
function lastLayer(node: GraphNode, { ops, nodeOf }: Subject): GraphNode {
  const x = node.inputs["x"];
  const before = x === undefined ? undefined : nodeOf.get(x);
  return ops.get(node.op)?.view === true && before !== undefined ? before : node;
}

/** The values with everything that they depend on. */
function ancestors(values: readonly ValueId[], { nodeOf }: Subject): ReadonlySet<ValueId> {
  const found = new Set<ValueId>(values);
  // A set yields what is added while it is walked.
  for (const value of found) for (const input of Object.values(nodeOf.get(value)?.inputs ?? {})) found.add(input);
  return found;
}
