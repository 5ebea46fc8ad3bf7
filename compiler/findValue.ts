/**
 * What a value of a network can be called: one answer for `predict --value`, `compile --value` and `--features`, `report --value` and
 * the options of `compile`. A value goes by its `as` name, by its layer's path as `cnnc summary` shows it ("inception3a.conv2",
 * "resblock1.add"), or by its block's or head's path; the last part of a path is enough where it is the only one of its kind.
 */
import { didYouMean } from "./diagnostics/suggest.ts";
import { pathOf, type Graph, type ValueId } from "./ir/graph.ts";

/** A value, or why there is none: what follows "NAME: ". */
export type FoundValue = { readonly value: ValueId } | { readonly problem: string };

/** What of several values is listed in a message. */
const mostListed = 20;

/** The value that `name` stands for in a graph as written. */
export function findValue(graph: Graph, name: string): FoundValue {
  const names = valueNames(graph);
  const value = names.get(name);
  if (value !== undefined) return { value };
  const short = [...names].filter(([path]) => path.endsWith(`.${name}`) || isNumbered(path, name, names));
  const values = new Set(short.map(([, found]) => found));
  const [first] = values;
  if (first !== undefined && values.size === 1) return { value: first };
  if (values.size > 1) {
    const candidates = [...values]
      .sort((a, b) => a - b)
      .map((each) => short.find(([, found]) => found === each)?.[0] ?? "");
    return { problem: `${graph.name} has ${values.size} values of this name; say which: ${listed(candidates)}` };
  }
  const near = didYouMean(name, [...names.keys(), ...lastParts(names.keys())]);
  const has = near ?? `it has ${listed([...names.keys()])}`;
  return { problem: `${graph.name} has no such value or layer; ${has}` };
}

/** As `findValue`, for callers that throw what they are told. */
export function valueNamed(graph: Graph, name: string): ValueId {
  const found = findValue(graph, name);
  if ("value" in found) return found.value;
  throw new RangeError(`${name}: ${found.problem}`);
}

/** The graph with one of its values in place of the logits. */
export function endingAt(graph: Graph, value: ValueId): Graph {
  return { ...graph, heads: graph.heads.slice(0, 1).map((main) => ({ ...main, value })) };
}

/**
 * Each value's names, in the order of the network: the text's own first. Where one name stands for several values (it was used again in
 * a loop, say) they are name_1, name_2, … and the bare name is none of them.
 */
function valueNames(graph: Graph): ReadonlyMap<string, ValueId> {
  const valuesOf = new Map<string, Set<ValueId>>();
  const add = (path: string, value: ValueId): void => {
    const values = valuesOf.get(path);
    if (values === undefined) valuesOf.set(path, new Set([value]));
    else values.add(value);
  };
  for (const [name, value] of graph.named) add(name, value);
  for (const { path, value } of graph.names ?? []) add(path, value);
  for (const { name, value } of graph.heads.slice(1)) add(name, value);
  graph.nodes.forEach((node, index) => {
    // Nodes of one layer, or of one join, in a row are one: what it gives is the last one's.
    const next = graph.nodes[index + 1];
    const goesOn = next !== undefined && pathOf(next) === pathOf(node) && (node.origin.path !== "" || next.origin === node.origin); // prettier-ignore
    if (!goesOn) add(pathOf(node), node.output);
  });
  const names = new Map<string, ValueId>();
  for (const [path, values] of valuesOf) if (values.size === 1) for (const value of values) names.set(path, value);
  for (const [path, values] of valuesOf) {
    if (values.size === 1) continue;
    let number = 0;
    for (const value of [...values].sort((a, b) => a - b)) {
      do number++;
      while (names.has(`${path}_${number}`) && names.get(`${path}_${number}`) !== value);
      names.set(`${path}_${number}`, value);
    }
  }
  return names;
}

/** Whether `path` is one of the values that share `name`, or the end of whose path is `name`. */
function isNumbered(path: string, name: string, names: ReadonlyMap<string, ValueId>): boolean {
  const [, bare] = /^(.*)_\d+$/.exec(path) ?? [];
  return bare !== undefined && (bare === name || bare.endsWith(`.${name}`)) && !names.has(bare);
}

function lastParts(paths: Iterable<string>): readonly string[] {
  return [...paths].map((path) => path.slice(path.lastIndexOf(".") + 1));
}

function listed(names: readonly string[]): string {
  const more = names.length - mostListed;
  return `${names.slice(0, mostListed).join(", ")}${more > 0 ? ` and ${more} more, as \`cnnc summary\` shows them` : ""}`;
}
