/**
 * In: a scheduled kernel. Out: its WGSL, what it binds, and how many invocations it takes. The text names no layer and no
 * value, only roles, so that equal layers give equal text.
 *
 * One invocation computes one tile of the root. The root's reduction keeps a sum for each element of the tile in a scalar
 * variable; loops over the reduction's axes are unrolled as the schedule says; an element that several sums read is loaded
 * once, in the outermost loop that it depends on. Later stages are evaluated from those scalars.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { constantAffine, variableAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import type { Axis } from "../ir/expression.ts";
import { elementCount } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, partStride, valueName } from "../ir/kernel.ts";
import type { Kernel, Stage } from "../ir/kernel.ts";
import { loadsOf } from "../ir/expression.ts";
import { layoutsOf, sharesLoops, stageTile } from "../ir/tiles.ts";
import { createEvaluator } from "./evaluator.ts";
import type { StageAccess } from "./evaluator.ts";
import { emitReductions } from "./emitReductions.ts";
import { emitStores } from "./emitStores.ts";
import { uniformBlock } from "./uniforms.ts";
import { isSplit } from "./kernelContext.ts";
import type { EmitOptions, KernelContext } from "./kernelContext.ts";
import { createScopes, groupIndex } from "./wgslWriter.ts";

export interface EmittedBinding {
  readonly value: ValueId;
  readonly name: string;
  readonly writes: boolean;
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
  // ops nearly always agree, so the first run takes what the last of them found: mostly it finds the same and is all.
  const key = kernel.stages.map(({ op }) => op).join(" ");
  const guess = options.vectorGuesses?.get(key) ?? new Set();
  const first = emitWith(kernel, options, guess);
  const found = first.vectorizable;
  options.vectorGuesses?.set(key, found);
  const isRight = found.size === guess.size && [...found].every((name) => guess.has(name));
  return isRight ? first.kernel : emitWith(kernel, options, found).kernel;
}

function emitWith(
  kernel: Kernel,
  options: EmitOptions,
  vectors: ReadonlySet<string>,
): { readonly kernel: EmittedKernel; readonly vectorizable: ReadonlySet<string> } {
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
  const grid = root.computation.axes.map((axis) => ({
    axis,
    tiles: Math.ceil(axis.extent / (rootTile[axis.name] ?? 1)),
  }));
  const scopes = createScopes();
  const variables = new Map<string, string>();
  for (const { axis, tiles } of grid) {
    if (tiles > 1)
      variables.set(axis.name, scopes.declare(`${axis.name.replace(/_+$/, "")}_tile`, { low: 0, high: tiles - 1 }, 0));
  }
  const parts = kernel.schedule.split?.parts ?? 1;
  const part = parts > 1 ? scopes.declare("part", { low: 0, high: parts - 1 }, 0) : undefined;
  const context: KernelContext = { kernel, layouts, rootTile, tileVariable: (name) => variables.get(name), options };
  const bindings = bindingsOf(kernel, options);
  const evaluator = createEvaluator(scopes, bindings, vectors, stageAccess(context), options);

  const rootShares = kernel.stages.filter(
    (stage, index) => index > 0 && sharesLoops(stage.computation, root.computation, registersBefore(kernel, index)),
  );
  const inRootLoops = root.computation.body.kind === "reduce" ? [root, ...rootShares] : [];
  if (inRootLoops.length > 0) emitReductions(inRootLoops, context, evaluator, scopes, part);
  for (const [index, stage] of kernel.stages.entries()) {
    const { body } = stage.computation;
    const overMemory = body.kind === "reduce" && layouts[index]?.unrolledOver.size === 0 && body.over.length > 0;
    if (overMemory && !inRootLoops.includes(stage)) emitReductions([stage], context, evaluator, scopes, undefined);
  }
  emitStores(context, evaluator, scopes, vectors, part);

  const invocations = grid.reduce((product, { tiles }) => product * tiles, parts);
  const batchTiles = grid.find(({ axis }) => axis.batch === true)?.tiles;
  const head = itemDecoding(grid, variables, part, invocations, kernel.schedule.workgroupSize);
  const declarations = bindings.map((binding, index) => declareBinding(binding, index, vectors.has(binding.name)));
  const functions = evaluator.helperFunctions();
  const statements = scopes.text();
  const usesStep = evaluator.usesUniforms() || statements.includes("step.");
  const wgsl = [
    ...(usesStep ? [uniformBlock(options.uniforms)] : []),
    declarations.join("\n"),
    "",
    ...functions.flatMap((text) => [text, ""]),
    `@compute @workgroup_size(${kernel.schedule.workgroupSize})`,
    "fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {",
    ...head.map((line) => `  ${line}`),
    statements,
    "}",
    "",
  ].join("\n");
  return {
    kernel: {
      wgsl,
      bindings: bindings.map(({ value, name, writes, elements }) => ({ value, name, writes, sizeBytes: elements * 4 })),
      workgroupSize: kernel.schedule.workgroupSize,
      samplesPerTile: batchTiles === undefined ? 0 : (rootTile["n"] ?? 1),
      invocationsPerTile: batchTiles === undefined ? invocations : invocations / batchTiles,
    },
    vectorizable: evaluator.vectorizable(),
  };
}

/** Where one invocation's tile lies: the item's number cut into tile variables, the last axis fastest. */
function itemDecoding(
  grid: readonly { readonly axis: Axis; readonly tiles: number }[],
  variables: ReadonlyMap<string, string>,
  part: string | undefined,
  invocations: number,
  workgroupSize: number,
): readonly string[] {
  const groups = Math.ceil(invocations / workgroupSize);
  const group = groupIndex(groups);
  const lines = [`let item = i32(${group} * ${workgroupSize}u + lane);`];
  if (groups * workgroupSize !== invocations) lines.push(`if (item >= ${invocations}) {`, "  return;", "}");
  let stride = 1;
  const decoded: string[] = [];
  const counts = [
    ...(part === undefined
      ? []
      : [{ name: part, tiles: invocations / grid.reduce((product, each) => product * each.tiles, 1) }]),
  ];
  const axes = [
    ...counts,
    ...grid.flatMap(({ axis, tiles }) => (tiles > 1 ? [{ name: variables.get(axis.name) ?? "", tiles }] : [])),
  ];
  for (const [index, { name, tiles }] of [...axes.entries()].reverse()) {
    const quotient = stride === 1 ? "item" : `item / ${stride}`;
    decoded.unshift(
      `let ${name} = min(${index === 0 ? quotient : `${stride === 1 ? "item" : `(item / ${stride})`} % ${tiles}`}, ${tiles - 1});`,
    );
    stride *= tiles;
  }
  return [...lines, ...decoded];
}

export interface Binding {
  readonly value: ValueId;
  readonly name: string;
  readonly writes: boolean;
  readonly reads: boolean;
  readonly dtype: TensorType["dtype"];
  /** Declared elements: whole vectors of four. */
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
  const padded = (type: TensorType, copies: number): number => {
    const elements = elementCount(type) * (type.batched ? options.batch : 1);
    // Counted in words: four bytes are one.
    if (type.dtype === "u8") return Math.ceil(elements / 16) * 4;
    return copies === 1 ? Math.ceil(elements / 4) * 4 : partStride(elements) * copies;
  };
  for (const stage of kernel.stages) {
    for (const load of loadsOf(stage.computation)) {
      const value = options.storageOf(namedValue(load.from));
      if (inside.has(value) || found.has(value)) continue;
      const type = options.typeOf(value);
      const role = stage.roles[valueName(value)] ?? "value";
      found.set(value, {
        value,
        name: nameFor(role),
        writes: false,
        reads: true,
        dtype: type.dtype,
        elements: padded(type, 1),
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
        dtype: "f32",
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
        dtype: "f32",
        elements: padded(options.typeOf(of), 1),
      });
      continue;
    }
    const ringElements = Math.ceil((2 * options.batch * options.ringSlots) / 4) * 4;
    const elements =
      stage.value === options.ring ? ringElements : padded(stage.type, isSplit(stage, kernel) ? parts : 1);
    found.set(stage.value, {
      value: stage.value,
      name: nameFor(`${stage.op}_out`),
      writes: true,
      reads: false,
      dtype: "f32",
      elements,
    });
  }
  return [...found.values()];
}

function registersBefore(kernel: Kernel, index: number): ReadonlyMap<string, never> {
  return new Map(kernel.stages.slice(0, index).map((stage) => [valueName(stage.value), undefined as never]));
}

function declareBinding(binding: Binding, index: number, vector: boolean): string {
  const access = binding.writes ? "read_write" : "read";
  const element = vector ? "vec4f" : binding.dtype === "u8" ? "u32" : binding.dtype;
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
    const variable = context.tileVariable(scale.root);
    return variable === undefined ? constantAffine(0) : variableAffine(variable, stageTile(axis, scale, rootTile));
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
