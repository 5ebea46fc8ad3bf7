import { findValue } from "../findValue.ts";
import { UserError } from "../files/userError.ts";
import type { Graph, ValueId } from "../ir/graph.ts";

/** The value that an option names; throws `UserError` where the model has none of this name, or several. */
export function checkValue(graph: Graph, name: string, option = "--value"): ValueId {
  const found = findValue(graph, name);
  if ("problem" in found) throw new UserError(`${option} ${name === "" ? '""' : name}: ${found.problem}`, 2);
  return found.value;
}
