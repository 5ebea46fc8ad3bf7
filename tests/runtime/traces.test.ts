/**
 * Traces of tests/traces on the adapter: 20 steps by the recipe, beside PyTorch's. `python3 tests/traces/generate.py` makes them.
 * Of the schedules one is here, whose momentum moves too; all their rates are among the unit tests, and `npm run conformance`
 * runs every trace.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { compileTrace, readTrace, verifyTrace } from "../../compiler/verify/verifyTrace.ts";
import { createNetwork } from "../../runtime/index.ts";
import { openForSuite } from "../support/openForSuite.ts";

const folder = join(import.meta.dirname, "../traces");
const traces = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .filter((name) => !name.startsWith("schedule_") || name === "schedule_one_cycle_adam.json")
  .map((name) => readTrace(join(folder, name)));

const opened = openForSuite();

test.each(traces.map((trace) => [trace.name, trace] as const))("%s", async (_, trace) => {
  const { plan, recipe } = compileTrace(trace);
  const network = await createNetwork(plan, { device: opened.device });
  try {
    const { quantities } = await verifyTrace(trace, recipe, network);
    expect(trace.expect.losses).toHaveLength(20);
    expect(quantities.length).toBeGreaterThan(3);
    expect(quantities.filter(({ passes }) => !passes)).toEqual([]);
  } finally {
    network.destroy();
  }
});
