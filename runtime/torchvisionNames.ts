/**
 * The names of torchvision's networks beside ours. Its files may hold their tensors in any order, so each module's place in
 * the network is read from its name; the modules of both sides then correspond one by one, in the order of definition.
 */
import { NetworkError } from "./errors.ts";
import type { NameMatcher } from "./partialWeights.ts";

/** The networks of torchvision that are known, for people. */
const known = "ResNet, VGG, AlexNet, DenseNet, GoogLeNet, Inception v3, MobileNetV2 or SqueezeNet";

/** Where a module of one of them stands; undefined for any other name. */
const places: readonly (readonly [RegExp, (parts: readonly string[]) => readonly number[]])[] = [
  // ResNet, ResNeXt, Wide ResNet
  [/^(conv|bn)1$/, ([kind]) => [0, 1, rank(kind)]],
  [/^layer(\d+)\.(\d+)\.(conv|bn)(\d+)$/, ([s, b, kind, n]) => [1, num(s), num(b), num(n), rank(kind)]],
  [/^layer(\d+)\.(\d+)\.downsample\.(\d+)$/, ([s, b, n]) => [1, num(s), num(b), 99, num(n)]],
  [/^fc$/, () => [9]],
  // VGG, AlexNet
  [/^features\.(\d+)$/, ([n]) => [1, num(n)]],
  [/^classifier\.(\d+)$/, ([n]) => [9, num(n)]],
  // DenseNet; its first files write norm.1 for norm1
  [/^features\.(conv|norm)0$/, ([kind]) => [0, kind === "conv" ? 0 : 1]],
  [
    /^features\.denseblock(\d+)\.denselayer(\d+)\.(norm|conv)\.?(\d+)$/,
    ([b, l, kind, n]) => [1, num(b), 0, num(l), num(n), kind === "norm" ? 0 : 1],
  ],
  [/^features\.transition(\d+)\.(norm|conv)$/, ([b, kind]) => [1, num(b), 1, kind === "norm" ? 0 : 1]],
  [/^features\.norm5$/, () => [2]],
  [/^classifier$/, () => [9]],
  // SqueezeNet
  [/^features\.(\d+)\.(squeeze|expand1x1|expand3x3)$/, ([n, part = ""]) => [1, num(n), fireParts.indexOf(part)]],
  // MobileNetV2: its first and last convolutions, and its blocks
  [/^features\.(\d+)\.(\d)$/, ([n, part]) => [1, num(n), num(part)]],
  [/^features\.(\d+)\.conv\.(\d)(?:\.(\d))?$/, ([n, layer, part]) => [1, num(n), num(layer), num(part)]],
  // GoogLeNet: the auxiliary heads follow inception4a and inception4d
  [/^conv(\d)\.(conv|bn)$/, ([n, kind]) => [0, num(n), rank(kind)]],
  [
    /^inception(\d)([a-e])\.branch(\d)(?:\.(\d))?\.(conv|bn)$/,
    ([stage, unit, branch, n, kind]) => [1, num(stage), letter(unit), 0, num(branch), num(n), rank(kind)],
  ],
  [/^aux(\d)\.conv\.(conv|bn)$/, ([n, kind]) => [1, 4, n === "1" ? 1 : 4, 1, 0, rank(kind)]],
  [/^aux(\d)\.fc(\d)$/, ([n, layer]) => [1, 4, n === "1" ? 1 : 4, 1, num(layer)]],
  // Inception v3: the auxiliary head follows Mixed_6e
  [/^Conv2d_(\d)([ab])_\dx\d\.(conv|bn)$/, ([stage, unit, kind]) => [0, num(stage), letter(unit), rank(kind)]],
  [
    /^Mixed_(\d)([a-e])\.branch(_pool|\dx\d(?:dbl|x3)?)(?:_(\d)([ab])?)?\.(conv|bn)$/,
    ([stage, unit, branch = "", n, side, kind]) =>
      [1, num(stage), letter(unit), 0, mixedBranches.indexOf(branch), num(n), letter(side), rank(kind)], // prettier-ignore
  ],
  [/^AuxLogits\.conv(\d)\.(conv|bn)$/, ([n, kind]) => [1, 6, 5, 1, num(n), rank(kind)]],
  [/^AuxLogits\.fc$/, () => [1, 6, 5, 1, 9]],
];

const fireParts: readonly string[] = ["squeeze", "expand1x1", "expand3x3"];
/** In the order in which every block that has several of them defines them. */
const mixedBranches: readonly string[] = ["1x1", "5x5", "3x3", "3x3dbl", "7x7", "7x7dbl", "7x7x3", "_pool"];
const num = (text = "0"): number => Number(text);
const rank = (kind = ""): number => (kind === "conv" ? 0 : 1);
const letter = (text = "a"): number => text.charCodeAt(0) - 96;

/** The names of torchvision's networks, for `loadPartial`. */
export const torchvision: NameMatcher = { match: torchvisionNames };

/** Our names by torchvision's; `ours` in the plan's order. Throws where a name is not one of its networks'. */
export function torchvisionNames(theirs: readonly string[], ours: readonly string[]): ReadonlyMap<string, string> {
  const placed = modulesOf(theirs).map((module) => ({ module, place: placeOf(module) }));
  placed.sort((a, b) => comparePlaces(a.place, b.place));
  // Auxiliary heads may be missing on either side.
  const headsOf = (modules: readonly string[]): ReadonlySet<string | undefined> => new Set(modules.map(headOf));
  const heads = headsOf(modulesOf(ours));
  const all = placed.map(({ module }) => module);
  const theirHeads = headsOf(all);
  const isShared = (module: string): boolean => heads.has(headOf(module)) && theirHeads.has(headOf(module));
  const from = all.filter(isShared);
  const to = modulesOf(ours).filter(isShared);
  if (from.length !== to.length) {
    throw new NetworkError(
      "weights",
      `torchvision's file has ${from.length} layers with weights and the network ${to.length}: they are not the same network`,
    );
  }
  const names = new Map(from.map((module, index) => [module, to[index] ?? module]));
  const renamed = theirs.flatMap((name) => {
    const module = names.get(moduleOf(name));
    return module === undefined ? [] : [[name, module + name.slice(moduleOf(name).length)] as const];
  });
  return new Map(renamed);
}

/** The auxiliary head that a module is of, as networks here call it; undefined for those of the trunk. */
function headOf(module: string): string | undefined {
  return /^aux\d?(?=\.)/.exec(module.replace(/^AuxLogits/, "aux"))?.[0];
}

function moduleOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}

function modulesOf(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(moduleOf))];
}

function placeOf(module: string): readonly number[] {
  for (const [pattern, place] of places) {
    const match = pattern.exec(module);
    if (match !== null) return place(match.slice(1));
  }
  throw new NetworkError("weights", `${module} is no layer of torchvision's ${known}`);
}

function comparePlaces(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] ?? -1);
}
