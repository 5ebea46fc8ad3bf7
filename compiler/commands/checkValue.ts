import { UserError } from "../files/userError.ts";
import type { Graph } from "../ir/graph.ts";

/** Throws `UserError` where the model names no such value: an option takes an `as` name. */
export function checkValue({ named, name }: Graph, value: string, option = "--value"): void {
  const names = [...named.keys()];
  if (names.includes(value)) return;
  const known = names.length === 0 ? "`as NAME` in the spec names one" : `it names ${names.join(", ")}`;
  throw new UserError(`${option} ${value}: ${name} names no such value; ${known}`, 2);
}
