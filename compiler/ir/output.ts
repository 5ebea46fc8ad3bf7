/** output.ts: what a compilation gives: the plan that the runtime runs, and what people and tools want to see. */
import type { NetworkPlan } from "../../runtime/plan.ts";
import type { ModelSetting } from "./checked.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Graph, TrainingGraph } from "./graph.ts";
import type { KernelPlan } from "./kernel.ts";
import type { MemoryPlan } from "./memory.ts";
import type { Recipe } from "./recipe.ts";
import type { SourceFile } from "./source.ts";

/** One direction of a network, from graph to memory. */
export interface ProgramPlan {
  readonly graph: Graph;
  readonly kernels: KernelPlan;
  readonly memory: MemoryPlan;
}

/** What computing forward values again for the backward pass saves, and what it costs. */
export interface Recomputation {
  /** Bytes of forward values held for the backward pass, as `heldForBackward` counts them: where the recipe asks for a share. */
  readonly heldBytes?: number;
  /** Those without it. */
  readonly wholeBytes?: number;
  /** Multiply-adds (terms of sums, else elements) that are computed again, for one image. */
  readonly work: number;
}

export interface CompiledNetwork {
  readonly name: string;
  readonly settings: readonly ModelSetting[];
  readonly doc: string;
  readonly recipe?: Recipe;
  /** The graph as written: forward, in training form. */
  readonly graph: Graph;
  readonly trainingGraph?: TrainingGraph;
  readonly training?: ProgramPlan;
  /** Present where the recipe asks for a share of the activations' memory, or something is computed again unasked. */
  readonly recomputation?: Recomputation;
  readonly inference: ProgramPlan;
  readonly plan: NetworkPlan;
  /** Bytes of every GPU buffer that a training step needs, and that inference needs. */
  readonly peakBytes: { readonly training?: number; readonly inference: number };
}

export interface Compilation {
  /** Absent when there is an error among the diagnostics. */
  readonly network?: CompiledNetwork;
  readonly diagnostics: readonly Diagnostic[];
  readonly files: readonly SourceFile[];
}

/** A file to write, relative to the output directory. */
export interface EmittedFile {
  readonly path: string;
  readonly text: string;
}
