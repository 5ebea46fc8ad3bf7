/** What every part of the WGSL writer knows of the kernel at hand. */
import type { TensorType, ValueId } from "../ir/graph.ts";
import type { Kernel, Stage, Window } from "../ir/kernel.ts";
import { sharesLoops } from "../ir/tiles.ts";
import type { LayoutsOf, StageLayout } from "../ir/tiles.ts";
import type { GridLayout } from "./gridLayout.ts";
import type { UniformWord } from "./uniforms.ts";

export interface EmitOptions {
  /** Samples of the batch, or of a slab of it. */
  readonly batch: number;
  /** Where the batch is computed slab by slab: its samples in all. */
  readonly wholeBatch?: number;
  readonly typeOf: (value: ValueId) => TensorType;
  /** The value whose storage a view shares; any other value itself. */
  readonly storageOf: (value: ValueId) => ValueId;
  /** The range of a value that this name stands for; undefined where it is a value of its own, and where none is given. */
  readonly windowOf?: (value: ValueId) => Window | undefined;
  readonly uniforms: readonly UniformWord[];
  /** Rows of the ring of metrics; the value written there is given by `ring`. */
  readonly ringSlots: number;
  readonly ring?: ValueId;
  /** One that remembers saves time. */
  readonly layoutsOf?: LayoutsOf;
  /** By a kernel's ops and tile: the bindings that were best taken as vectors of four the last time. Only saves time. */
  readonly vectorGuesses?: Map<string, ReadonlySet<string>>;
}

/** What every part of the emitter knows of the kernel at hand. */
export interface KernelContext {
  readonly kernel: Kernel;
  readonly layouts: readonly StageLayout[];
  readonly rootTile: Readonly<Record<string, number>>;
  readonly grid: GridLayout;
  /** Variables that have one value in all invocations of a workgroup, or at least of a quad: loops add theirs. */
  readonly uniformVariables: Set<string>;
  readonly options: EmitOptions;
}

/** Whether the stage is summed in parts: it runs in the loops that the schedule splits. */
export function isSplit(stage: Stage, kernel: Kernel): boolean {
  const { split } = kernel.schedule;
  const root = kernel.stages[0]?.computation;
  if (split === undefined || root === undefined) return false;
  return stage.computation === root || sharesLoops(stage.computation, root, new Map());
}
