/** Names of modules as PyTorch writes them: "layer1.conv2". */

/** The numbering inside one block, model or head. */
export interface PathScope {
  /** "" for the model itself, else "layer1.". */
  readonly prefix: string;
  readonly counts: Map<string, number>;
  readonly taken: Set<string>;
}

export function pathScope(prefix: string): PathScope {
  return { prefix, counts: new Map(), taken: new Set() };
}

/** The next path of a layer or block that has no name of its own: its kind and its running number, "conv2". */
export function numberedPath(scope: PathScope, kind: string): string {
  let count = scope.counts.get(kind) ?? 0;
  let name: string;
  do name = `${kind}${++count}`;
  while (scope.taken.has(name));
  scope.counts.set(kind, count);
  scope.taken.add(name);
  return scope.prefix + name;
}

/**
 * The path of a layer or block that `as` names. Used again (in a loop, or for another layer), a name gets `_2`, `_3`, …;
 * it is kept for those that own parameters, so that `relu as x` leaves "x" to others.
 */
export function namedPath(scope: PathScope, name: string, ownsParameters: boolean): string {
  let candidate = name;
  for (let i = 2; ownsParameters && scope.taken.has(candidate); i++) candidate = `${name}_${i}`;
  if (ownsParameters) scope.taken.add(candidate);
  return scope.prefix + candidate;
}
