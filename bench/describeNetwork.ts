/**
 * What the peers need to build the same network: the forward graph as plain data, and where each parameter's first
 * values lie in one file. In: a compiled network. Out: JSON, so that an entry in any language can read it.
 */
import { elementCount } from "../compiler/ir/graph.ts";
import type { Attrs } from "../compiler/ir/graph.ts";
import type { CompiledNetwork } from "../compiler/ir/output.ts";
import type { InitialPlan } from "../runtime/plan.ts";

export interface BenchNode {
  readonly op: string;
  readonly attrs: Attrs;
  /** Values by their number. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly output: number;
  /** Of one sample. */
  readonly shape: readonly number[];
}

/** A parameter or a running statistic; `offset` counts elements in the array of first values, which `initial` draws. */
export interface BenchTensor {
  readonly name: string;
  readonly value: number;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly initial: InitialPlan;
}

export interface BenchNetwork {
  readonly name: string;
  /** Of the first values. */
  readonly seed: number;
  readonly batch: number;
  readonly inputShape: readonly number[];
  readonly classes: number;
  readonly rate: number;
  readonly momentum: number;
  readonly input: number;
  readonly output: number;
  readonly parameters: readonly BenchTensor[];
  readonly states: readonly BenchTensor[];
  readonly nodes: readonly BenchNode[];
  /** Forward, of one image: convolutions and linear layers. */
  readonly multiplyAdds: number;
}

/** Describes a network that is trained by plain momentum SGD with cross-entropy; throws at any other recipe. */
export function describeNetwork(network: CompiledNetwork, multiplyAdds: number): BenchNetwork {
  const { graph, plan, recipe } = network;
  const [images] = graph.inputs;
  const [head] = graph.heads;
  if (images === undefined || head === undefined || graph.heads.length !== 1) {
    throw new Error(`${network.name}: the bench takes networks of one input and one head`);
  }
  if (recipe?.optimizer.name !== "sgd" || recipe.loss.kind !== "cross_entropy" || recipe.loss.labelSmoothing !== 0) {
    throw new Error(`${network.name}: the bench trains by sgd with cross_entropy alone`);
  }
  const { lr, momentum, ...others } = recipe.optimizer.args;
  if (Object.values(others).some((value) => value !== 0 && value !== false)) {
    throw new Error(`${network.name}: the bench knows of sgd's arguments lr and momentum alone`);
  }
  const initials = new Map([...plan.parameters, ...plan.states].map(({ name, initial }) => [name, initial]));
  let offset = 0;
  const place = (tensor: (typeof graph.parameters | typeof graph.states)[number]): BenchTensor => {
    const { name, value, type } = tensor;
    const initial = initials.get(name);
    if (initial === undefined) throw new Error(`${network.name}: the plan has no ${name}`);
    const placed = { name, value, shape: type.shape, offset, initial };
    offset += elementCount(tensor.type);
    return placed;
  };
  return {
    name: network.name,
    seed: plan.seed,
    batch: plan.batch,
    inputShape: plan.inputShape,
    classes: plan.outputShape.reduce((product, size) => product * size, 1),
    rate: Number(lr),
    momentum: Number(momentum),
    input: images.value,
    output: head.value,
    parameters: graph.parameters.map(place),
    states: graph.states.map(place),
    nodes: graph.nodes.map(({ op, attrs, inputs, output, type }) => ({ op, attrs, inputs, output, shape: type.shape })),
    multiplyAdds,
  };
}
