import { compile } from "../../compiler/compile.ts";
import type { CompileOptions } from "../../compiler/compile.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import type { TrainingGraph } from "../../compiler/ir/graph.ts";
import type { CompiledNetwork, ProgramPlan } from "../../compiler/ir/output.ts";

/** A network with a recipe, compiled. */
export type TrainableNetwork = CompiledNetwork & {
  readonly trainingGraph: TrainingGraph;
  readonly training: ProgramPlan;
};

/** Compiles a text that must be free of errors and have a recipe. */
export function compileText(text: string, options: CompileOptions = {}, path = "input.cnn"): TrainableNetwork {
  const { network, diagnostics } = compile({ path, text }, options);
  if (network === undefined) throw new Error(`\n${text}\n${renderDiagnostics(diagnostics)}`);
  const { training, trainingGraph } = network;
  if (training === undefined || trainingGraph === undefined) throw new Error(`${path} has no recipe`);
  return { ...network, training, trainingGraph };
}

/** The same, without the options' limits where the network does not fit them. */
export function compileFitting(text: string, options: CompileOptions): TrainableNetwork {
  const { limits: _limits, ...unlimited } = options;
  const { diagnostics } = compile({ path: "input.cnn", text }, options);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const isTooSmall = errors.length > 0 && errors.every(({ code }) => code.startsWith("CNN4"));
  return compileText(text, isTooSmall ? unlimited : options);
}
