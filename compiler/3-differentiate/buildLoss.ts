/** The losses as graph nodes: of every head the gradient of its output, and the metrics of the whole. */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { typeOf } from "../ir/graph.ts";
import type { Attrs, GraphInput, Head, ValueId } from "../ir/graph.ts";
import type { Recipe } from "../ir/recipe.ts";
import { batchedType } from "../ops/defineOp.ts";
import { buildSoftmaxParts } from "../ops/softmax.ts";
import type { NodeFactory } from "./graphBuilder.ts";

/** A recipe's loss, or the product with a given cotangent that conformance cases use. */
export type TrainingLoss = Recipe["loss"] | { readonly kind: "dot" };

export interface BuiltLoss {
  /** Labels, or the cotangent; and the classes' weights where they have some. */
  readonly inputs: readonly GraphInput[];
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
      inputs: [{ name: "cotangent", value: cotangent, type }],
      upstreams: [[main.value, cotangent]],
      metrics: build(main)("dot_metrics", { loss: rows }),
    };
  }
  const labelType = { shape: [], batched: true, dtype: "u32" } as const;
  const labels = factory.fresh(labelType);
  const weighting = loss.classWeights === undefined ? undefined : buildWeighting(loss.classWeights, labels, factory, build(main)); // prettier-ignore
  const perHead = heads.map((head) => ({
    head,
    ...(loss.kind === "nll"
      ? buildNll(head, labels, weighting, build(head))
      : buildCrossEntropy(head, labels, loss.labelSmoothing, weighting, build(head))),
  }));
  const predicted = build(main)("predicted_class", { x: main.value });
  const losses = Object.fromEntries(perHead.map(({ loss: rows }, index) => [`loss${index}`, rows]));
  const weights = heads.map((head) => head.weight);
  return {
    inputs: [{ name: "labels", value: labels, type: labelType }, ...(weighting === undefined ? [] : [weighting.input])],
    upstreams: perHead.map(({ head, upstream }) => [head.value, upstream] as const),
    metrics: build(main)("classifier_metrics", { predicted, labels, ...losses }, { weights }),
  };
}

interface HeadLoss {
  readonly loss: ValueId;
  readonly upstream: ValueId;
}

/** What losses with weighted classes share: the weights, each sample's, and their sum over the batch. */
interface Weighting {
  readonly input: GraphInput;
  readonly weights: readonly number[];
  readonly labelWeight: ValueId;
  readonly total: ValueId;
}

function buildWeighting(weights: readonly number[], labels: ValueId, factory: NodeFactory, build: Build): Weighting {
  const type = { shape: [weights.length], batched: false, dtype: "f32" } as const;
  const value = factory.fresh(type);
  const labelWeight = build("label_weight", { labels, classWeights: value });
  const total = build("channel_sum", { x: labelWeight });
  return { input: { name: "class_weights", value, type }, weights, labelWeight, total };
}

function buildCrossEntropy(
  head: Head,
  labels: ValueId,
  labelSmoothing: number,
  weighting: Weighting | undefined,
  build: Build,
): HeadLoss {
  const x = head.value;
  const { max, expSum } = buildSoftmaxParts(build, x);
  const margin = build("label_margin", { x, max, labels });
  if (weighting !== undefined) {
    const { labelWeight, total, weights, input } = weighting;
    const classWeights = input.value;
    const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
    const loss =
      labelSmoothing === 0
        ? build("weighted_loss", { loss: build("cross_entropy", { expSum, margin }, { labelSmoothing }), labelWeight, total }) // prettier-ignore
        : build(
            "smooth_weighted_cross_entropy",
            { expSum, margin, weightedMargin: build("weighted_margin", { x, max, classWeights }), labelWeight, total },
            { labelSmoothing, classes: weights.length, weightSum },
          );
    const attrs = { labelSmoothing, weight: head.weight, weightSum };
    const inputs = { x, max, expSum, labels, classWeights, labelWeight, total };
    return { loss, upstream: build("weighted_cross_entropy_gradient", inputs, attrs) };
  }
  const parts =
    labelSmoothing === 0 ? { expSum, margin } : { expSum, margin, meanMargin: build("mean_margin", { x, max }) };
  const loss = build("cross_entropy", parts, { labelSmoothing });
  const attrs = { labelSmoothing, weight: head.weight };
  return { loss, upstream: build("cross_entropy_gradient", { x, max, expSum, labels }, attrs) };
}

function buildNll(head: Head, labels: ValueId, weighting: Weighting | undefined, build: Build): HeadLoss {
  const loss = build("nll", { x: head.value, labels });
  if (weighting !== undefined) {
    const { labelWeight, total, input } = weighting;
    const inputs = { like: head.value, labels, classWeights: input.value, total };
    return {
      loss: build("weighted_loss", { loss, labelWeight, total }),
      upstream: build("weighted_nll_gradient", inputs, { weight: head.weight }),
    };
  }
  return { loss, upstream: build("nll_gradient", { like: head.value, labels }, { weight: head.weight }) };
}
