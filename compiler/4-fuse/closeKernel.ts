/** From the nodes that one kernel computes to its stages: which are stored, and where what they read and write lies. */
import type { Computation } from "../ir/expression.ts";
import type { ValueId } from "../ir/graph.ts";
import { namedValue, valueName } from "../ir/kernel.ts";
import type { Kernel, Roles, Stage } from "../ir/kernel.ts";
import type { ProgramNode, Slice } from "../ir/program.ts";
import { loadInPlace, outermostPlaces } from "./placeJoins.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

/** A node in a kernel that others may still join. */
export interface OpenStage {
  readonly node: ProgramNode;
  /** The node's, under the names of the kernel's axes. */
  readonly computation: Computation;
}

export interface CloseOptions {
  /** Of every value: the nodes that read it, views looked through. */
  readonly consumers: ReadonlyMap<ValueId, readonly ValueId[]>;
  /** Storages that must be stored whether or not a kernel reads them. */
  readonly keep: ReadonlySet<ValueId>;
  /** Value -> running statistic that it overwrites in place. */
  readonly overwrites: ReadonlyMap<ValueId, ValueId>;
  readonly sliceOf: ReadonlyMap<ValueId, Slice>;
}

/** Gives kernels their stages, still without a real schedule. */
export function kernelCloser({
  consumers,
  keep,
  overwrites,
  sliceOf,
}: CloseOptions): (stages: readonly OpenStage[], index: number) => Kernel {
  const placeOf = outermostPlaces(sliceOf);
  return (open, index) => {
    const inside = new Set(open.map(({ node }) => node.value));
    const stages = open.map(({ node, computation }): Stage => {
      const overwritten = overwrites.get(node.value);
      const slice = placeOf.get(node.value);
      return {
        value: node.value,
        op: node.op,
        computation: inPlace(computation, inside),
        type: node.type,
        stored: isStored(node.value, inside),
        ...(overwritten !== undefined && { overwrites: overwritten }),
        ...(slice !== undefined && { slice }),
        origin: node.origin,
        roles: rolesInPlace(node, inside),
      };
    });
    return { name: `k${index}`, stages, schedule: { tile: {}, unroll: {}, workgroupSize: 64 } };
  };

  function isStored(value: ValueId, inside: ReadonlySet<ValueId>): boolean {
    return (
      keep.has(value) ||
      overwrites.has(value) ||
      sliceOf.has(value) ||
      (consumers.get(value) ?? []).some((user) => !inside.has(user))
    );
  }

  /** The computation with its loads from memory where the values' storage is. */
  function inPlace(computation: Computation, inside: ReadonlySet<ValueId>): Computation {
    if (sliceOf.size === 0) return computation;
    return rewriteComputation(
      computation,
      (expr) => {
        if (expr.kind !== "load" || inside.has(namedValue(expr.from))) return undefined;
        const place = placeOf.get(namedValue(expr.from));
        return place === undefined ? undefined : loadInPlace(expr, place);
      },
      (expr) => expr,
    );
  }

  function rolesInPlace(node: ProgramNode, inside: ReadonlySet<ValueId>): Roles {
    if (sliceOf.size === 0) return node.roles;
    const roles = new Map<string, string>();
    for (const [name, role] of node.roles) {
      const slice = inside.has(namedValue(name)) ? undefined : placeOf.get(namedValue(name));
      roles.set(slice === undefined ? name : valueName(slice.of), role);
    }
    return roles;
  }
}
