/**
 * lowerGraph: from a graph to a program: every node gets its op's computation, with the values' names in its loads; views become
 * aliases.
 *
 *   %5 = conv(x=%0, weight=%1)   becomes   %5 [n c y x] = sum over [ic u v] of %0[n, ic, y + u, x + v] * %1[c, ic, u, v]
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { indexRule } from "../ir/rewrite.ts";
import type { Computation, ScalarExpr } from "../ir/expression.ts";
import { typesOf } from "../ir/graph.ts";
import type { Graph, GraphNode, TensorType, ValueId } from "../ir/graph.ts";
import { valueName } from "../ir/kernel.ts";
import type { Roles } from "../ir/kernel.ts";
import type { Join, ProgramNode, TensorProgram } from "../ir/program.ts";
import { axesOf } from "../ops/defineOp.ts";
import type { OpDefinition } from "../ops/defineOp.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

/** The program of a graph whose ops all have computations or are views. */
export function lowerGraph(graph: Graph, ops: ReadonlyMap<string, OpDefinition>, batch: number): TensorProgram {
  const types = typesOf(graph);
  const aliasOf = new Map<ValueId, ValueId>();
  const storageOf = (value: ValueId): ValueId => aliasOf.get(value) ?? value;
  const nodes: ProgramNode[] = [];
  for (const node of graph.nodes) {
    const op = ops.get(node.op);
    if (op === undefined) throw new InternalCompilerError("lowerGraph", `no op is called ${node.op}`);
    if (op.view === true) {
      const [x] = Object.values(node.inputs);
      if (x !== undefined) aliasOf.set(node.output, storageOf(x));
      continue;
    }
    const join = joinOf(node, op);
    nodes.push({
      value: node.output,
      op: node.op,
      type: node.type,
      computation: computationOf(node, op, types, batch),
      origin: node.origin,
      roles: rolesOf(node, storageOf),
      ...(join !== undefined && { join }),
      ...(node.opens === true && { opens: true as const }),
    });
  }
  return { nodes, aliasOf, types, sliceOf: new Map(), slabsOf: new Map() };
}

function rolesOf({ inputs }: GraphNode, storageOf: (value: ValueId) => ValueId): Roles {
  const roles = new Map<string, string>();
  for (const role in inputs) {
    const value = inputs[role];
    if (value !== undefined) roles.set(valueName(storageOf(value)), role);
  }
  return roles;
}

function joinOf(node: GraphNode, op: OpDefinition): Join | undefined {
  return op.joins === undefined ? undefined : { dimension: op.joins, parts: Object.values(node.inputs) };
}

/** A node's computation, its loads named by value. */
function computationOf(
  node: GraphNode,
  op: OpDefinition,
  types: ReadonlyMap<ValueId, TensorType>,
  batch: number,
): Computation {
  if (op.compute === undefined) throw new InternalCompilerError("lowerGraph", `${node.op} has no kernel`);
  const inputTypes: Record<string, TensorType> = {};
  for (const [name, value] of Object.entries(node.inputs)) {
    const type = types.get(value);
    if (type !== undefined) inputTypes[name] = type;
  }
  const computation = op.compute({
    types: inputTypes,
    output: node.type,
    attrs: node.attrs,
    axes: axesOf(node.type, batch),
    batchAxis: { name: "n", extent: batch, batch: true },
  });
  const rename = (expr: ScalarExpr): ScalarExpr | undefined => {
    if (expr.kind !== "load") return undefined;
    const value = node.inputs[expr.from];
    if (value === undefined) throw new InternalCompilerError("lowerGraph", `${node.op} has no input ${expr.from}`);
    // What a place is computed from are loads, too.
    return { ...expr, from: valueName(value), index: expr.index.map(indexRule({ scalar: rename })) };
  };
  return rewriteComputation(computation, rename, (index) => index);
}
