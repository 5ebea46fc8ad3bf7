/** Ends of a network that do not suit its loss: softmax twice, `nll` without logarithms, dropout of logits. */
import { dropoutAfterLastLayer, nllWithoutLogSoftmax, softmaxBeforeLoss } from "../../diagnostics/warnings.ts";
import { elementCount, type GraphNode, type Head, type ValueId } from "../../ir/graph.ts";
import { endName, isLayer, layerName, recipeLine, warnAt, type Subject, type Warning } from "./warning.ts";

/** The last step of every head against the recipe's loss. */
export function lossWarnings(subject: Subject): readonly Warning[] {
  const { recipe, graph } = subject;
  if (recipe === undefined) return [];
  return graph.heads.flatMap((head) => {
    if (head.weight === 0) return [];
    const last = lastStep(head, subject);
    const layer = last?.op ?? "its input";
    const line = recipeLine(subject, "loss");
    if (recipe.loss.kind === "nll" && layer !== "log_softmax") {
      const help = layer === "softmax" ? "`log_softmax` in its place" : "`log_softmax` at the end, or `loss cross_entropy`"; // prettier-ignore
      const notes = [{ message: `${endName(head, subject)} ends here`, span: (last ?? head).origin.span }];
      const origin = { span: line?.value?.span ?? line?.span ?? head.origin.span, calls: [], path: "" };
      return [warnAt(nllWithoutLogSoftmax, origin, { end: endName(head, subject), layer }, subject, { notes, help })];
    }
    if (recipe.loss.kind !== "cross_entropy" || last === undefined) return [];
    if (layer !== "softmax" && layer !== "log_softmax") return [];
    const notes = line === undefined ? [] : [{ message: "the loss is chosen here", span: line.span }];
    const help =
      layer === "softmax"
        ? "leave softmax out: predictions are given as probabilities all the same"
        : "leave log_softmax out, or write `loss nll`";
    const params = { layer, end: endName(head, subject), classes: elementCount(last.type) };
    return [warnAt(softmaxBeforeLoss, last.origin, params, subject, { notes, help })];
  });
}

/** The step whose values reach the loss, views and dropout aside. */
function lastStep(head: Head, { nodeOf, ops }: Subject): GraphNode | undefined {
  let node = nodeOf.get(head.value);
  for (
    let op = node && ops.get(node.op);
    op?.view === true || op?.dropsValues === true;
    op = node && ops.get(node.op)
  ) {
    node = nodeBefore(node, nodeOf);
  }
  return node;
}

function nodeBefore(node: GraphNode | undefined, nodeOf: Subject["nodeOf"]): GraphNode | undefined {
  const x: ValueId | undefined = node?.inputs["x"];
  return x === undefined ? undefined : nodeOf.get(x);
}

const dropoutNames: Readonly<Record<string, string>> = {
  element: "dropout",
  channel: "spatial_dropout",
  sample: "drop_path",
};

/** Dropout that no layer with weights follows, on any head's way out of its last one. */
export function dropoutWarnings(subject: Subject): readonly Warning[] {
  const { nodeOf, ops, graph } = subject;
  return graph.heads.flatMap((head) => {
    const dropouts: GraphNode[] = [];
    let node = nodeOf.get(head.value);
    while (node !== undefined && !isLayer(node, subject) && "x" in node.inputs) {
      if (ops.get(node.op)?.dropsValues === true && Number(node.attrs["p"]) > 0) dropouts.push(node);
      node = nodeBefore(node, nodeOf);
    }
    // Without a layer before it there is nothing that it stands after.
    if (node === undefined) return [];
    const last = layerName(node);
    return dropouts.map((drop) => {
      const name = dropoutNames[String(drop.attrs["unit"])] ?? drop.op;
      const params = { dropout: name, end: endName(head, subject), last };
      return warnAt(dropoutAfterLastLayer, drop.origin, params, subject, { help: `${name} goes before ${last}` });
    });
  });
}
