/** "Did you mean": the names of a scope that are a slip of the finger away from what was written. */

const mostSuggestions = 3;

/**
 * Up to three of `candidates` that are close to `name`, the closest first. A transposition or a change of case counts as
 * one edit; what counts as close grows with the name's length. Pass only the scope that is searched there.
 */
export function suggest(name: string, candidates: Iterable<string>): readonly string[] {
  const close = [...new Set(candidates)]
    .filter((candidate) => candidate !== name && candidate !== "")
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= editsAllowed(Math.max(name.length, candidate.length)))
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  return close.slice(0, mostSuggestions).map(({ candidate }) => candidate);
}

/** A help line such as "did you mean `kernel`?", or undefined where nothing is close. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const found = suggest(name, candidates).map((candidate) => `\`${candidate}\``);
  const last = found.pop();
  if (last === undefined) return undefined;
  return `did you mean ${found.length === 0 ? last : `${found.join(", ")} or ${last}`}?`;
}

function editsAllowed(length: number): number {
  return length <= 2 ? 1 : Math.min(3, Math.max(1, Math.floor(length / 3)));
}

/** Insertions, deletions, substitutions and transpositions of neighbours; all changes of case together are one edit. */
export function editDistance(first: string, second: string): number {
  const a = first.toLowerCase();
  const b = second.toLowerCase();
  const caseEdit = first !== second && (a === b || differsInCase(first, second)) ? 1 : 0;
  // Only the last three rows of the table are needed: a transposition looks two back.
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + same);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return (last[b.length] ?? 0) + caseEdit;
}

/** Whether one is written with capitals where the other has none at all: `ReLu` for `relu`. */
function differsInCase(first: string, second: string): boolean {
  return /[A-Z]/.test(first) !== /[A-Z]/.test(second);
}
