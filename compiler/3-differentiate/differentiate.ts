/**
 * differentiate: from the graph as written to a training step: forward, loss, and the gradient of the loss with respect to
 * every parameter that is not frozen, by reverse-mode differentiation. In: an error-free graph. Out: a graph of plain ops
 * (no compound ones) in topological order, without nodes that nothing needs. What a gradient needs of the forward pass
 * alone (the places of maxima, say) stands right behind its forward node, where both can come from one kernel.
 *
 *   %3 = linear(x=%0, weight=%1, bias=%2)          becomes, beside itself and the loss of %3 with gradient %9,
 *   %10 = linear_weight_gradient(upstream=%9, x=%0)
 *   %11 = channel_sum(x=%9)                        gradient of %1 = %10, gradient of %2 = %11
 */
import type { Graph, GraphNode, Head, Parameter, TrainingGraph, ValueId } from "../ir/graph.ts";
import type { PassResult } from "../pass.ts";
import type { BuiltLoss, TrainingLoss } from "./buildLoss.ts";
import { buildLoss } from "./buildLoss.ts";
import { expandOps } from "./expandOps.ts";
import type { NodeFactory } from "./graphBuilder.ts";
import { inputTypes, nodeFactory, opNamed, termsOfElement } from "./graphBuilder.ts";
import { joinStatistics } from "./joinStatistics.ts";
import { limitInputs } from "./limitInputs.ts";
import { shareEqualNodes } from "./shareEqualNodes.ts";
import { liveNames, removeDeadNodes } from "./removeDeadNodes.ts";

export interface DifferentiateOptions {
  readonly loss: TrainingLoss;
  /** Also the gradient with respect to the images. */
  readonly imageGradient?: boolean;
  /** Names of layers or parameters that stay as they are: "stem" freezes "stem.conv1.weight". */
  readonly freeze?: readonly string[];
  /** False: batch norm uses its running statistics and leaves them, and nothing is dropped. */
  readonly training?: boolean;
  /** False: nothing is dropped, while batch norm still uses the batch's statistics. */
  readonly dropout?: boolean;
}

/** The graph of a training step. */
export function differentiate(graph: Graph, options: DifferentiateOptions): PassResult<TrainingGraph> {
  const { training = true, dropout = true } = options;
  const { graph: expanded, updateOf } = expandOps(graph, { training, dropout });
  const forward = joinStatistics(expanded);
  const factory = nodeFactory(forward);
  const backward: GraphNode[] = [];
  const loss = buildLoss(forward.heads, options.loss, factory, (head: Head) => (op, inputs, attrs = {}) => {
    const node = factory.make(op, inputs, attrs, head.origin);
    backward.push(node);
    return node.output;
  });

  const wanted = [
    ...forward.parameters.filter((parameter) => !isFrozen(parameter, options.freeze ?? [])).map(({ value }) => value),
    ...(options.imageGradient === true
      ? forward.inputs.filter((input) => input.name === "images").map((input) => input.value)
      : []),
  ];
  const reverse = reverseMode(forward, loss.upstreams, wanted, factory, backward);

  const gradientOf = new Map<ValueId, ValueId>();
  for (const value of wanted) {
    const gradient = reverse.gradientOf(value);
    if (gradient !== undefined) gradientOf.set(value, gradient);
  }
  const roots = [
    loss.metrics,
    ...forward.heads.map((head) => head.value),
    ...gradientOf.values(),
    ...updateOf.values(),
  ];
  const live = removeDeadNodes([...reverse.forwardNodes, ...backward], roots);
  // What somebody outside reads by its value keeps it: two parameters' equal gradients have two places.
  const nodes = limitInputs(shareEqualNodes(live, new Set([...roots, ...forward.named.values()])), factory);
  const output: TrainingGraph = {
    ...forward,
    inputs: [...forward.inputs, ...loss.inputs],
    nodes,
    named: liveNames(forward, nodes),
    gradientOf,
    updateOf,
    metrics: loss.metrics,
  };
  return { output, diagnostics: [] };
}

function isFrozen(parameter: Parameter, freeze: readonly string[]): boolean {
  return freeze.some((name) => parameter.name === name || parameter.name.startsWith(`${name}.`));
}

interface ReverseResult {
  /** The forward nodes, with what the gradients need of the forward pass alone behind each. */
  readonly forwardNodes: readonly GraphNode[];
  gradientOf(value: ValueId): ValueId | undefined;
}

/** Walks the forward nodes backwards and appends the gradients' nodes to `backward`. */
function reverseMode(
  forward: Graph,
  upstreams: BuiltLoss["upstreams"],
  wanted: readonly ValueId[],
  factory: NodeFactory,
  backward: GraphNode[],
): ReverseResult {
  const dependent = valuesThatDependOn(wanted, forward.nodes);
  const available = new Set<ValueId>(
    [...forward.inputs, ...forward.parameters, ...forward.states].map(({ value }) => value),
  );
  for (const node of forward.nodes) available.add(node.output);

  const originOf = new Map(forward.nodes.map(({ output, origin }) => [output, origin]));
  // Every use of a value adds a term; all uses stand behind the value, so they are seen before it is.
  const terms = new Map<ValueId, ValueId[]>();
  const addTerm = (value: ValueId, term: ValueId): void => {
    const all = [...(terms.get(value) ?? []), term];
    terms.set(value, all);
    const origin = originOf.get(value);
    if (origin === undefined || all.length === 1) return;
    // The kernel of a sum can add the terms before it to its own: none of them waits in memory for the last.
    const made = backward.findLast(({ output }) => output === term);
    if (made !== undefined && termsOfElement(made, factory.types) > 1) total(value, origin);
  };
  const total = (value: ValueId, origin: GraphNode["origin"]): ValueId | undefined => {
    const [first, ...rest] = terms.get(value) ?? [];
    if (first === undefined || rest.length === 0) return first;
    const inputs = Object.fromEntries([first, ...rest].map((term, index) => [`x${index}`, term]));
    const sum = factory.make("add", inputs, {}, origin);
    backward.push(sum);
    terms.set(value, [sum.output]);
    return sum.output;
  };

  for (const [value, upstream] of upstreams) addTerm(value, upstream);
  const behind = new Map<GraphNode, GraphNode[]>();
  for (const node of [...forward.nodes].reverse()) {
    if (!dependent.has(node.output)) continue;
    const upstream = total(node.output, node.origin);
    const { gradient } = opNamed(node.op);
    if (upstream === undefined || gradient === undefined) continue;
    const gradients = gradient({
      inputs: node.inputs,
      types: inputTypes(node.inputs, factory.types),
      output: node.output,
      attrs: node.attrs,
      upstream,
      needs(name) {
        const input = node.inputs[name];
        return input !== undefined && dependent.has(input);
      },
      build(op, inputs, attrs = {}) {
        const made = factory.make(op, inputs, attrs, node.origin);
        if (Object.values(inputs).every((input) => available.has(input))) {
          available.add(made.output);
          behind.set(node, [...(behind.get(node) ?? []), made]);
        } else backward.push(made);
        return made.output;
      },
    });
    for (const [name, value] of Object.entries(gradients)) {
      const input = node.inputs[name];
      if (input !== undefined && dependent.has(input)) addTerm(input, value);
    }
  }
  const origins = new Map([...forward.parameters].map(({ value, origin }) => [value, origin]));
  const fallback = forward.heads[0]?.origin;
  return {
    forwardNodes: forward.nodes.flatMap((node) => [node, ...(behind.get(node) ?? [])]),
    gradientOf(value) {
      const origin = origins.get(value) ?? fallback;
      return origin === undefined ? undefined : total(value, origin);
    },
  };
}

/** The values whose gradients lead to a wanted one: those themselves and everything computed from them. */
function valuesThatDependOn(wanted: readonly ValueId[], nodes: readonly GraphNode[]): ReadonlySet<ValueId> {
  const dependent = new Set(wanted);
  for (const node of nodes) {
    if (Object.values(node.inputs).some((input) => dependent.has(input))) dependent.add(node.output);
  }
  return dependent;
}
