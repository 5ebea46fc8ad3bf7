/**
 * In: a scheduled kernel. Out: its WGSL, what it binds, and how many invocations it takes. The text names no layer and no
 * value, only roles, so that equal layers give equal text.
 *
 * One invocation computes one tile of the root. The root's reduction keeps a sum for each element of the tile in a scalar
 * variable; loops over the reduction's axes are unrolled as the schedule says; an element that several sums read is loaded
 * once, in the outermost loop that it depends on. Later stages are evaluated from those scalars.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { constantAffine, scaleAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import type { Axis } from "../ir/expression.ts";
import { elementCount } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, partStride, valueName } from "../ir/kernel.ts";
import type { Kernel, Stage, Window } from "../ir/kernel.ts";
import { loadsOf } from "../ir/expression.ts";
import { layoutsOf, loopStages, stageTile } from "../ir/tiles.ts";
import { halfFunction, storedAs, vectorType } from "./storedNumbers.ts";
import type { StoredAs } from "./storedNumbers.ts";
import { createEvaluator } from "./evaluator.ts";
import type { StageAccess } from "./evaluator.ts";
import { emitReductions } from "./emitReductions.ts";
import { emitStores } from "./emitStores.ts";
import { uniformBlock } from "./uniforms.ts";
import { isSplit } from "./kernelContext.ts";
import type { EmitOptions, KernelContext } from "./kernelContext.ts";
import { layoutGrid } from "./gridLayout.ts";
import type { LoadPlan } from "./memoryLoads.ts";
import type { QuadPlan } from "./quadLoads.ts";
import { stageLoads } from "./stagedLoads.ts";
import { createScopes } from "./wgslWriter.ts";

export interface EmittedBinding {
  readonly value: ValueId;
  readonly name: string;
  readonly writes: boolean;
  readonly dtype: TensorType["dtype"];
  /** Bytes that the binding's declared array spans. */
  readonly sizeBytes: number;
}

export interface EmittedKernel {
  readonly wgsl: string;
  readonly bindings: readonly EmittedBinding[];
  readonly workgroupSize: number;
  /** Samples in a tile along the batch; 0 where the grid does not span the batch. */
  readonly samplesPerTile: number;
  /** Invocations for one tile of samples, or for the whole grid where there is none. */
  readonly invocationsPerTile: number;
}

export function emitWgsl(kernel: Kernel, options: EmitOptions): EmittedKernel {
  // A run finds out what is loaded and stored together, so that the next one can use vectors where that pays. Kernels of the same
  // ops and tile nearly always agree, so the first run takes what the last of them found: mostly it finds the same and is all.
  const key = [...Object.values(kernel.schedule.tile), ...kernel.stages.map(({ op }) => op)].join(" ");
  const guess = options.vectorGuesses?.get(key) ?? new Set();
  const first = emitWith(kernel, options, { vectors: guess });
  const found = first.vectorizable;
  options.vectorGuesses?.set(key, found);
  const isRight = found.size === guess.size && [...found].every((name) => guess.has(name));
  const whole = isRight ? first : emitWith(kernel, options, { vectors: found });
  if (kernel.schedule.quads === undefined) return whole.kernel;
  // Which loads quads can share is known when all are; where there are none, it is a kernel like others.
  const shared = whole.shareable;
  if (shared !== undefined) return emitWith(kernel, options, { vectors: found, quads: shared }).kernel;
  const { quads: _, ...plain } = kernel.schedule;
  return emitWgsl({ ...kernel, schedule: plain }, options);
}

interface Emission {
  readonly kernel: EmittedKernel;
  readonly vectorizable: ReadonlySet<string>;
  readonly shareable: QuadPlan | undefined;
}

function emitWith(kernel: Kernel, options: EmitOptions, plan: LoadPlan): Emission {
  const layouts = (options.layoutsOf ?? layoutsOf)(kernel).map((layout, index) => {
    if (layout === undefined)
      throw new InternalCompilerError("emitWgsl", `stage ${kernel.stages[index]?.op} of ${kernel.name} has no layout`);
    return layout;
  });
  const root = kernel.stages[0];
  if (root === undefined) throw new InternalCompilerError("emitWgsl", `${kernel.name} has no stage`);
  const rootTile = Object.fromEntries(
    root.computation.axes.map((axis) => [axis.name, kernel.schedule.tile[axis.name] ?? 1]),
  );
  const scopes = createScopes();
  const grid = layoutGrid(root.computation.axes, kernel.schedule, scopes);
  const uniformVariables = new Set(grid.uniformInQuads);
  const context: KernelContext = { kernel, layouts, rootTile, grid, uniformVariables, options };
  const bindings = bindingsOf(kernel, options);
  const isUniform = (variable: string): boolean => uniformVariables.has(variable);
  const evaluator = createEvaluator(scopes, bindings, plan, stageAccess(context), options, isUniform);
  const { vectors } = plan;

  const staged = stageLoads(context, evaluator, scopes, vectors);
  const inRootLoops = loopStages(kernel);
  if (inRootLoops.length > 0) emitReductions(inRootLoops, context, evaluator, scopes, staged);
  for (const [index, stage] of kernel.stages.entries()) {
    const { body } = stage.computation;
    const overMemory = body.kind === "reduce" && layouts[index]?.unrolledOver.size === 0 && body.over.length > 0;
    if (overMemory && !inRootLoops.includes(stage)) emitReductions([stage], context, evaluator, scopes);
  }
  emitStores(context, evaluator, scopes, vectors);

  const declarations = bindings.map((binding, index) => declareBinding(binding, index, vectors.has(binding.name)));
  const storesHalf = bindings.some(({ writes, dtype }) => writes && dtype === "f16");
  const functions = [...evaluator.helperFunctions(), ...(storesHalf ? [halfFunction] : [])];
  const statements = scopes.text();
  const usesStep = evaluator.usesUniforms() || statements.includes("step.");
  const extensions = [
    ...(bindings.some(({ dtype }) => dtype === "f16") ? ["enable f16;"] : []),
    ...(plan.quads === undefined ? [] : ["enable subgroups;"]),
  ];
  const inputs = [
    "@builtin(workgroup_id) group: vec3u",
    "@builtin(local_invocation_index) lane: u32",
    ...(plan.quads === undefined ? [] : ["@builtin(subgroup_invocation_id) subgroup_lane: u32"]),
  ];
  const wgsl = [
    ...extensions,
    ...(extensions.length === 0 ? [] : [""]),
    ...(usesStep ? [uniformBlock(options.uniforms)] : []),
    [...declarations, ...(staged?.declarations ?? [])].join("\n"),
    "",
    ...functions.flatMap((text) => [text, ""]),
    `@compute @workgroup_size(${kernel.schedule.workgroupSize})`,
    `fn main(${inputs.join(", ")}) {`,
    ...grid.lines.map((line) => `  ${line}`),
    statements,
    "}",
    "",
  ].join("\n");
  return {
    kernel: {
      wgsl,
      bindings: bindings.map(({ value, name, writes, elements, dtype }) => ({
        value,
        name,
        writes,
        dtype,
        sizeBytes: elements * (dtype === "f16" ? 2 : 4),
      })),
      workgroupSize: kernel.schedule.workgroupSize,
      samplesPerTile: grid.samplesPerTile,
      invocationsPerTile: grid.invocationsPerTile,
    },
    vectorizable: evaluator.vectorizable(),
    shareable: evaluator.shareable(),
  };
}

export interface Binding extends StoredAs {
  readonly value: ValueId;
  readonly name: string;
  readonly writes: boolean;
  readonly reads: boolean;
  /** Declared elements: whole vectors of four, 16 bytes. */
  readonly elements: number;
}

/** What the kernel binds, in the order of first use; inputs first. */
function bindingsOf(kernel: Kernel, options: EmitOptions): readonly Binding[] {
  const inside = new Set(kernel.stages.map((stage) => stage.value));
  const found = new Map<ValueId, Binding>();
  const names = new Set(["item", "group", "lane", "part", "step", "main"]);
  const nameFor = (wanted: string): string => {
    const clean = wanted.replace(/[^A-Za-z0-9_]/g, "_").replace(/^_+/, "") || "value";
    let name = `${clean}_in`.replace(/_out_in$/, "_out");
    for (let suffix = 2; names.has(name); suffix++) name = `${clean}${suffix}_in`.replace(/_out(\d*)_in$/, "_out$1");
    names.add(name);
    return name;
  };
  const parts = kernel.schedule.split?.parts ?? 1;
  const padded = (type: TensorType, copies: number, window?: Window): number => {
    const elements = window?.elements ?? elementCount(type) * (type.batched ? options.batch : 1);
    // Counted in words: four bytes are one.
    if (type.dtype === "u8") return Math.ceil(elements / 16) * 4;
    if (type.dtype === "f16") return Math.ceil(elements / 8) * 8;
    return copies === 1 ? Math.ceil(elements / 4) * 4 : partStride(elements) * copies;
  };
  for (const stage of kernel.stages) {
    for (const load of loadsOf(stage.computation)) {
      const value = options.storageOf(namedValue(load.from));
      if (inside.has(value) || found.has(value)) continue;
      const type = options.typeOf(value);
      const role = stage.roles.get(valueName(value)) ?? "value";
      found.set(value, {
        value,
        name: nameFor(role),
        writes: false,
        reads: true,
        ...storedAs(type),
        elements: padded(type, 1, options.windowOf?.(value)),
      });
    }
  }
  for (const stage of kernel.stages) {
    if (!stage.stored) continue;
    if (stage.overwrites !== undefined) {
      const before = found.get(stage.overwrites);
      const name = before?.name ?? nameFor(`${stage.op}_out`);
      found.set(stage.overwrites, {
        value: stage.overwrites,
        name,
        writes: true,
        reads: before !== undefined,
        ...storedAs(stage.type),
        elements: padded(stage.type, 1),
      });
      continue;
    }
    if (stage.slice !== undefined) {
      const { of } = stage.slice;
      const before = found.get(of);
      found.set(of, {
        value: of,
        name: before?.name ?? nameFor(`${stage.op}_out`),
        writes: true,
        reads: before !== undefined,
        ...storedAs(options.typeOf(of)),
        elements: padded(options.typeOf(of), 1, options.windowOf?.(of)),
      });
      continue;
    }
    const ringElements = Math.ceil((2 * (options.wholeBatch ?? options.batch) * options.ringSlots) / 4) * 4;
    const elements =
      stage.value === options.ring ? ringElements : padded(stage.type, isSplit(stage, kernel) ? parts : 1);
    found.set(stage.value, {
      value: stage.value,
      name: nameFor(`${stage.op}_out`),
      writes: true,
      reads: false,
      ...storedAs(stage.type),
      elements,
    });
  }
  return [...found.values()];
}

function declareBinding(binding: Binding, index: number, vector: boolean): string {
  const access = binding.writes ? "read_write" : "read";
  const element = vector ? vectorType(binding) : binding.dtype === "u8" ? "u32" : binding.dtype;
  const length = vector ? binding.elements / 4 : binding.elements;
  return `@group(0) @binding(${index + 1}) var<storage, ${access}> ${binding.name}: array<${element}, ${length}>;`;
}

/** How the evaluator finds a stage's element in registers. */
function stageAccess(context: KernelContext): StageAccess {
  const { kernel, layouts, rootTile } = context;
  const indexOf = new Map(kernel.stages.map((stage, index) => [valueName(stage.value), index]));
  const origins = kernel.stages.map(() => new Map<string, Affine>());
  const originOf = (index: number, axis: Axis): Affine => {
    const scale = layouts[index]?.scales.get(axis.name);
    if (scale?.root === undefined) return constantAffine(0);
    return scaleAffine(context.grid.tileNumber(scale.root) ?? constantAffine(0), stageTile(axis, scale, rootTile));
  };
  return {
    indexOf: (name) => indexOf.get(name),
    stage: (index) => kernel.stages[index] as Stage,
    unrolledOver: (index) => layouts[index]?.unrolledOver ?? new Set(),
    originOf(index, axis): Affine {
      // Asked for every element of a tile.
      let known = origins[index]?.get(axis.name);
      if (known === undefined) {
        known = originOf(index, axis);
        origins[index]?.set(axis.name, known);
      }
      return known;
    },
    tileOf(index, axis): number {
      const scale = layouts[index]?.scales.get(axis.name);
      if (scale === undefined)
        throw new InternalCompilerError("emitWgsl", `axis ${axis.name} of ${kernel.stages[index]?.op} has no place`);
      const tile = stageTile(axis, scale, rootTile);
      if (!Number.isInteger(tile))
        throw new InternalCompilerError(
          "emitWgsl",
          `axis ${axis.name} of ${kernel.stages[index]?.op} has a tile of ${tile}`,
        );
      return tile;
    },
  };
}
