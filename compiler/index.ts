/** What the package gives to programs that compile specs themselves: `import { compile } from "cnnc"`. */
export { compile, type CompileOptions } from "./compile.ts";
export { checkSource, type CheckResult, type CheckSourceOptions } from "./check.ts";
export { emitModule } from "./6-emit/emitModule.ts";
export { diagnosticsToJson, renderDiagnostics } from "./diagnostics/render.ts";
export { dumpGraph } from "./ir/graph.ts";
export { dumpKernels } from "./ir/kernel.ts";
export { dumpMemory } from "./ir/memory.ts";
export type { Diagnostic, DiagnosticNote, Severity } from "./ir/diagnostic.ts";
export type { Compilation, CompiledNetwork, EmittedFile } from "./ir/output.ts";
export type { SourceFile, Span } from "./ir/source.ts";
