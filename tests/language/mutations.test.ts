import { expect, test } from "@jest/globals";
import { buildAst } from "../../compiler/1-parse/buildAst.ts";
import { compile } from "../../compiler/compile.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import type { Diagnostic } from "../../compiler/ir/diagnostic.ts";
import { diagnose } from "../support/diagnose.ts";
import { mutate, mutationSources, seededNumbers } from "../support/mutate.ts";

interface MutationStage {
  readonly sources: readonly string[];
  readonly run: (text: string) => readonly Diagnostic[];
  /** Far above what it takes on a slow machine: what is looked for is a hang. */
  readonly longestMs: number;
}

/** What is done with each mutated text; each may answer with diagnostics, none may throw or hang. */
const stages: Readonly<Record<string, MutationStage>> = {
  parse: {
    sources: mutationSources(),
    run: (text) => buildAst({ path: "mutated.cnn", text }).diagnostics,
    longestMs: 3000,
  },
  check: { sources: mutationSources(), run: (text) => diagnose(text, "mutated.cnn"), longestMs: 3000 },
  // Kernels and all, for the specs that compile in a moment.
  compile: {
    sources: mutationSources(["lenet.cnn", "mnist_cnn.cnn"]),
    run: (text) => compile({ path: "mutated.cnn", text }, { batch: 2 }).diagnostics,
    longestMs: 30_000,
  },
};

const mutationCount = 1000;

test.each(Object.entries(stages))(
  "a thousand mutations give diagnostics or none: %s",
  (_stage, { sources, run, longestMs }) => {
    const next = seededNumbers(20_251_122);
    for (let index = 0; index < mutationCount; index++) {
      const text = mutate(sources[index % sources.length] ?? "", next);
      const start = performance.now();
      let rendered: string;
      try {
        const diagnostics = run(text);
        rendered = renderDiagnostics(diagnostics);
        for (const { span } of diagnostics) {
          const lies = span.start >= 0 && span.start <= span.end && span.end <= span.file.text.length;
          if (!lies) throw new Error(`a span from ${span.start} to ${span.end}`);
        }
      } catch (error) {
        throw new Error(`mutation ${index} of this text fails:\n${text}`, { cause: error });
      }
      expect(rendered).not.toMatch(/undefined|NaN|\[object/);
      expect(performance.now() - start).toBeLessThan(longestMs);
    }
  },
  300_000,
);
