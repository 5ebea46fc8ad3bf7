/**
 * Which tile of the grid an invocation computes: the lines at the head of a kernel that cut its number in tile numbers. Usually
 * invocations are counted through the whole grid, the last axis fastest. A staged kernel gives each workgroup a block of
 * neighbouring tiles; one that shares loads in quads keeps all invocations running and counts so that a quad is never torn.
 */
import { addAffine, constantAffine, variableAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import { productOf, wholeQuads } from "../ir/tiles.ts";
import type { Axis } from "../ir/expression.ts";
import type { Schedule } from "../ir/kernel.ts";
import { groupIndex, workgroupsPerDimension } from "./wgslWriter.ts";
import type { Scopes } from "./wgslWriter.ts";

export interface GridLayout {
  /** The number of this invocation's tile along an axis; undefined where there is only one. */
  readonly tileNumber: (axis: string) => Affine | undefined;
  /** The number of the first tile of the workgroup's block along an axis; staged kernels only. */
  readonly blockStart: (axis: string) => Affine;
  /** The variable that says which part of a split sum is this invocation's. */
  readonly part?: string;
  readonly lines: readonly string[];
  /** What must hold, besides being inside the tensor, for a tile to be stored. */
  readonly guard?: string;
  /** As in `DispatchPlan`. */
  readonly samplesPerTile: number;
  readonly invocationsPerTile: number;
  /** Variables that have one value in the four invocations of a quad; only where they share loads. */
  readonly uniformInQuads: ReadonlySet<string>;
}

interface GridAxis {
  readonly axis: Axis;
  readonly tile: number;
  readonly tiles: number;
}

/** A number to be cut out of another: its variable, and how many values it has. */
interface Digit {
  readonly name: string;
  readonly count: number;
}

export function layoutGrid(axes: readonly Axis[], schedule: Schedule, scopes: Scopes): GridLayout {
  const grid = axes.map((axis): GridAxis => {
    const tile = schedule.tile[axis.name] ?? 1;
    return { axis, tile, tiles: Math.ceil(axis.extent / tile) };
  });
  if (schedule.staged !== undefined) return blocks(grid, schedule, schedule.staged.group, scopes);
  return schedule.quads === undefined
    ? invocations(grid, schedule, scopes)
    : inQuads(grid, schedule, schedule.quads, scopes);
}

/** One invocation a tile, counted through the grid. */
function invocations(grid: readonly GridAxis[], schedule: Schedule, scopes: Scopes): GridLayout {
  const tiled = declareTiles(grid, scopes);
  const part = declarePart(schedule, scopes);
  const count = productOf(grid.map(({ tiles }) => tiles)) * partsOf(schedule);
  const groups = Math.ceil(count / schedule.workgroupSize);
  const lines = [`let item = i32(${groupIndex(groups)} * ${schedule.workgroupSize}u + lane);`];
  // Rows of workgroups have some past the last tile, too.
  if (groups * schedule.workgroupSize !== count || groups > workgroupsPerDimension)
    lines.push(`if (item >= ${count}) {`, "  return;", "}");
  const digits = [...(part === undefined ? [] : [{ name: part, count: partsOf(schedule) }]), ...tiled];
  return {
    tileNumber: tileNumberOf(tiled),
    blockStart: () => constantAffine(0),
    ...(part !== undefined && { part }),
    lines: [...lines, ...cut("item", digits)],
    ...perTile(grid, count),
    uniformInQuads: new Set(),
  };
}

/** A block of neighbouring tiles a workgroup. Which block it is, and which part, is the same for all its invocations. */
function blocks(
  grid: readonly GridAxis[],
  schedule: Schedule,
  group: Readonly<Record<string, number>>,
  scopes: Scopes,
): GridLayout {
  const starts = new Map<string, Affine>();
  const numbers = new Map<string, Affine>();
  const [blockDigits, laneDigits]: [Digit[], Digit[]] = [[], []];
  let batchBlocks: number | undefined;
  let samples = 0;
  const declare = (name: string, count: number, into: Digit[]): string => {
    const variable = scopes.declare(name, { low: 0, high: count - 1 }, 0);
    into.push({ name: variable, count });
    return variable;
  };
  for (const { axis, tile, tiles } of grid) {
    const [lanes, name] = [group[axis.name] ?? 1, axis.name.replace(/_+$/, "")];
    const count = Math.ceil(tiles / lanes);
    if (axis.batch === true) [batchBlocks, samples] = [count, tile * lanes];
    const start = count > 1 ? variableAffine(declare(`${name}_block`, count, blockDigits), lanes) : constantAffine(0);
    starts.set(axis.name, start);
    const lane = lanes > 1 ? variableAffine(declare(`${name}_lane`, lanes, laneDigits)) : constantAffine(0);
    if (count > 1 || lanes > 1) numbers.set(axis.name, addAffine(start, lane));
  }
  const part = declarePart(schedule, scopes);
  if (part !== undefined) blockDigits.unshift({ name: part, count: partsOf(schedule) });
  const count = productOf(blockDigits.map((digit) => digit.count));
  const rows = count > workgroupsPerDimension ? [`if (block >= ${count}) {`, "  return;", "}"] : [];
  return {
    tileNumber: (axis) => numbers.get(axis),
    blockStart: (axis) => starts.get(axis) ?? constantAffine(0),
    ...(part !== undefined && { part }),
    lines: [
      ...(blockDigits.length === 0 ? [] : [`let block = i32(${groupIndex(count)});`]),
      ...rows,
      ...cut("block", blockDigits),
      "let own_lane = i32(lane);",
      ...cut("own_lane", laneDigits),
    ],
    samplesPerTile: samples,
    invocationsPerTile: (count / (batchBlocks ?? 1)) * schedule.workgroupSize,
    uniformInQuads: new Set(),
  };
}

/**
 * Invocations counted through the grid, the quads' axis fastest. None returns early, and each part of a split sum has workgroups of
 * its own: so all variables but the number along that axis are the same in a quad.
 */
function inQuads(grid: readonly GridAxis[], schedule: Schedule, along: string, scopes: Scopes): GridLayout {
  const isAlong = ({ axis }: GridAxis): boolean => axis.name === along;
  const padded = [
    ...grid.filter((each) => !isAlong(each)),
    ...grid.filter(isAlong).map((each) => ({ ...each, tiles: wholeQuads(each.tiles) })),
  ];
  const tiled = declareTiles(padded, scopes);
  const part = declarePart(schedule, scopes);
  scopes.declare("quad_lane", { low: 0, high: 3 }, 0);
  const [count, parts] = [productOf(padded.map(({ tiles }) => tiles)), partsOf(schedule)];
  const groupsOfPart = Math.ceil(count / schedule.workgroupSize);
  const groups = groupsOfPart * parts;
  const lines = [`let group_number = ${groupIndex(groups)};`];
  if (part !== undefined) lines.push(`let ${part} = i32(min(group_number / ${groupsOfPart}u, ${parts - 1}u));`);
  const own = part === undefined ? "group_number" : `(group_number % ${groupsOfPart}u)`;
  lines.push(`let item = i32(${own} * ${schedule.workgroupSize}u + lane);`, "let quad_lane = i32(subgroup_lane % 4u);");
  const whole = groupsOfPart * schedule.workgroupSize === count && groups <= workgroupsPerDimension;
  const uniform = new Set(part === undefined ? [] : [part]);
  for (const { axis, name } of tiled) if (axis !== along) uniform.add(name);
  // With rows of workgroups some are past the end: those of a part are not, since they are counted modulo.
  const within = [
    ...(groupsOfPart * schedule.workgroupSize === count ? [] : [`item < ${count}`]),
    ...(groups <= workgroupsPerDimension ? [] : [`group_number < ${groups}u`]),
  ];
  return {
    tileNumber: tileNumberOf(tiled),
    blockStart: () => constantAffine(0),
    ...(part !== undefined && { part }),
    lines: [...lines, ...cut("item", tiled)],
    ...(whole ? {} : { guard: within.join(" && ") }),
    ...perTile(padded, parts === 1 ? count : groups * schedule.workgroupSize),
    uniformInQuads: uniform,
  };
}

function declareTiles(grid: readonly GridAxis[], scopes: Scopes): readonly (Digit & { readonly axis: string })[] {
  return grid.flatMap(({ axis, tiles }) => {
    if (tiles === 1) return [];
    const name = scopes.declare(`${axis.name.replace(/_+$/, "")}_tile`, { low: 0, high: tiles - 1 }, 0);
    return [{ name, count: tiles, axis: axis.name }];
  });
}

function tileNumberOf(tiled: ReturnType<typeof declareTiles>): GridLayout["tileNumber"] {
  const numbers = new Map(tiled.map(({ axis, name }) => [axis, variableAffine(name)]));
  return (axis) => numbers.get(axis);
}

function partsOf({ split }: Schedule): number {
  return split?.parts ?? 1;
}

function declarePart(schedule: Schedule, scopes: Scopes): string | undefined {
  const parts = partsOf(schedule);
  return parts > 1 ? scopes.declare("part", { low: 0, high: parts - 1 }, 0) : undefined;
}

function perTile(
  grid: readonly GridAxis[],
  invocationCount: number,
): Pick<GridLayout, "samplesPerTile" | "invocationsPerTile"> {
  const batch = grid.find(({ axis }) => axis.batch === true);
  return {
    samplesPerTile: batch === undefined ? 0 : batch.tile,
    invocationsPerTile: batch === undefined ? invocationCount : invocationCount / batch.tiles,
  };
}

/** Cuts a number in digits, the last one fastest; each is held in its range, which the WGSL compiler then knows. */
function cut(number: string, digits: readonly Digit[]): readonly string[] {
  const lines: string[] = [];
  let stride = 1;
  for (const [index, { name, count }] of [...digits.entries()].reverse()) {
    const quotient = stride === 1 ? number : `(${number} / ${stride})`;
    const digit = index > 0 ? `${quotient} % ${count}` : stride === 1 ? number : `${number} / ${stride}`;
    lines.unshift(`let ${name} = min(${digit}, ${count - 1});`);
    stride *= count;
  }
  return lines;
}
