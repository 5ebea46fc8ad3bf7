/** The network of a run, compiled from the texts that its run.json keeps: the spec's file may have changed since. */
import { checkSource } from "../check.ts";
import { compileProgram, type CompileOptions } from "../compile.ts";
import { renderDiagnostics } from "../diagnostics/render.ts";
import { endingAt } from "../findValue.ts";
import { UserError } from "../files/userError.ts";
import type { ImageSource } from "../imageSource.ts";
import type { Graph, ValueId } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import type { RunDescription } from "../training/runFiles.ts";

export interface RunNetwork {
  /** The forward graph as written. */
  readonly graph: Graph;
  readonly recipe: Recipe;
  /** As it was trained, with its training step. */
  readonly network: CompiledNetwork;
  /** A network that gives one value of the graph for images as `source` says; nothing is trained in it. */
  readonly giving: (value: ValueId, source: ImageSource, batch: number) => CompiledNetwork;
}

/** Compiles a run's network; throws `UserError` where this version of the compiler does not take its spec. */
export function compileRun(run: RunDescription): RunNetwork {
  const [spec] = run.sources;
  if (spec === undefined) throw new UserError("run.json holds no text of the spec");
  const texts = new Map(run.sources.map(({ path, text }) => [path, text]));
  const { checked, diagnostics } = checkSource(spec, {
    readSource: (path) => texts.get(path),
    model: run.model,
    settings: run.settings,
    ...(run.recipe !== "" && { recipe: run.recipe }),
    ownImages: run.dataDirectory !== null,
  });
  const { recipe } = checked ?? {};
  if (checked === undefined || recipe === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    throw new UserError(`the run's spec does not compile any more:\n${renderDiagnostics(errors)}`);
  }
  const compiled = (options: CompileOptions, program = checked): CompiledNetwork => {
    const { network, diagnostics: problems } = compileProgram(program, options);
    if (network === undefined) throw new UserError(`the run's network does not compile:\n${renderDiagnostics(problems)}`); // prettier-ignore
    return network;
  };
  return {
    graph: checked.graph,
    recipe,
    network: compiled({ batch: run.batch }),
    giving: (value, source, batch) =>
      compiled(
        { batch, imageSource: source, inferenceOnly: true },
        { ...checked, graph: endingAt(checked.graph, value) },
      ),
  };
}
