import { UserError } from "../files/userError.ts";
import type { Graph } from "../ir/graph.ts";

/** Throws `UserError` where the model names no such value: `--value` takes an `as` name. */
export function checkValue({ named, name }: Graph, value: string): void {
  const names = [...named.keys()];
  if (names.includes(value)) return;
  const known = names.length === 0 ? "`as NAME` in the spec names one" : `it names ${names.join(", ")}`;
  throw new UserError(`--value ${value}: ${name} names no such value; ${known}`, 2);
}
