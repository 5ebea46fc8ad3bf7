/** The losses as graph nodes: of every head the gradient of its output, and the metrics of the whole. */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { Attrs, GraphInput, Head, ValueId } from "../ir/graph.ts";
import type { Recipe } from "../ir/recipe.ts";
import { batchedType } from "../ops/defineOp.ts";
import { buildSoftmaxParts } from "../ops/softmax.ts";
import type { NodeFactory } from "./graphBuilder.ts";
import { typeOf } from "./graphBuilder.ts";

/** A recipe's loss, or the product with a given cotangent that conformance cases use. */
export type TrainingLoss = Recipe["loss"] | { readonly kind: "dot" };

export interface BuiltLoss {
  /** Labels, or the cotangent. */
  readonly input: GraphInput;
  /** Of each head: its output, and the gradient of the loss with respect to it. */
  readonly upstreams: readonly (readonly [ValueId, ValueId])[];
  readonly metrics: ValueId;
}

type Build = (op: string, inputs: Readonly<Record<string, ValueId>>, attrs?: Attrs) => ValueId;

/** Builds the loss of all heads (of the main head alone, for a dot product). */
export function buildLoss(
  heads: readonly Head[],
  loss: TrainingLoss,
  factory: NodeFactory,
  build: (head: Head) => Build,
): BuiltLoss {
  const [main] = heads;
  if (main === undefined) throw new InternalCompilerError("differentiate", "the graph has no head");
  if (loss.kind === "dot") {
    const type = batchedType(typeOf(factory.types, main.value).shape);
    const cotangent = factory.fresh(type);
    const rows = build(main)("dot_loss", { x: main.value, cotangent });
    return {
      input: { name: "cotangent", value: cotangent, type },
      upstreams: [[main.value, cotangent]],
      metrics: build(main)("dot_metrics", { loss: rows }),
    };
  }
  const labelType = { shape: [], batched: true, dtype: "u32" } as const;
  const labels = factory.fresh(labelType);
  const perHead = heads.map((head) => ({
    head,
    ...(loss.kind === "nll"
      ? buildNll(head, labels, build(head))
      : buildCrossEntropy(head, labels, loss.labelSmoothing, build(head))),
  }));
  const predicted = build(main)("predicted_class", { x: main.value });
  const losses = Object.fromEntries(perHead.map(({ loss: rows }, index) => [`loss${index}`, rows]));
  const weights = heads.map((head) => head.weight);
  return {
    input: { name: "labels", value: labels, type: labelType },
    upstreams: perHead.map(({ head, upstream }) => [head.value, upstream] as const),
    metrics: build(main)("classifier_metrics", { predicted, labels, ...losses }, { weights }),
  };
}

interface HeadLoss {
  readonly loss: ValueId;
  readonly upstream: ValueId;
}

function buildCrossEntropy(head: Head, labels: ValueId, labelSmoothing: number, build: Build): HeadLoss {
  const x = head.value;
  const { max, expSum } = buildSoftmaxParts(build, x);
  const margin = build("label_margin", { x, max, labels });
  const parts =
    labelSmoothing === 0 ? { expSum, margin } : { expSum, margin, meanMargin: build("mean_margin", { x, max }) };
  const loss = build("cross_entropy", parts, { labelSmoothing });
  const attrs = { labelSmoothing, weight: head.weight };
  return { loss, upstream: build("cross_entropy_gradient", { x, max, expSum, labels }, attrs) };
}

function buildNll(head: Head, labels: ValueId, build: Build): HeadLoss {
  const loss = build("nll", { x: head.value, labels });
  return { loss, upstream: build("nll_gradient", { like: head.value, labels }, { weight: head.weight }) };
}
