/** The package's main entry: the compiler as a library. It reads no file, clock or environment by itself. */
export { compile } from "./compile.ts";
export type { CompileOptions } from "./compile.ts";
export { checkSource } from "./check.ts";
export type { CheckResult, CheckSourceOptions } from "./check.ts";
export { diagnosticsToJson, renderDiagnostics } from "./diagnostics/render.ts";
export type { JsonDiagnostic, JsonPlace, Palette } from "./diagnostics/render.ts";
export { emitModule } from "./6-emit/emitModule.ts";
export type { EmitModuleOptions, ModuleSource } from "./6-emit/emitModule.ts";
export { dumpGraph } from "./ir/graph.ts";
export { dumpKernels } from "./ir/kernel.ts";
export { dumpMemory } from "./ir/memory.ts";
export type { Diagnostic } from "./ir/diagnostic.ts";
export type { Compilation, CompiledNetwork, EmittedFile, ProgramPlan } from "./ir/output.ts";
export type { SourceFile } from "./ir/source.ts";
export type { NetworkPlan } from "../runtime/plan.ts";
