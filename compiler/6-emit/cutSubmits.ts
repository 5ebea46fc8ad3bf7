/**
 * Where a step's commands are cut, so that none of them keeps an adapter busy for long: a system takes a GPU that does not answer
 * for a few seconds for one that hangs, and a page cannot draw meanwhile.
 */

/** Multiply-adds that the slowest adapter of a class does in about a second. */
const mostWork = { cpu: 1e9, gpu: 1e11 } as const;

/** Of each dispatch, by its multiply-adds: whether a new submit begins with it. */
export function cutSubmits(works: readonly number[], adapterClass: keyof typeof mostWork): readonly boolean[] {
  let sum = 0;
  return works.map((work) => {
    const cut = sum > 0 && sum + work > mostWork[adapterClass];
    sum = cut ? work : sum + work;
    return cut;
  });
}
