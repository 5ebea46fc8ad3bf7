/** What a module declares for people and for the type checker: its types and its one function, built through ts-morph. */
import { createRequire } from "node:module";
import type * as TsMorph from "ts-morph";
import type {
  FunctionDeclarationStructure, ImportDeclarationStructure, InterfaceDeclarationStructure, OptionalKind, StatementStructures,
  TypeAliasDeclarationStructure,
} from "ts-morph"; // prettier-ignore
import type { NetworkPlan } from "../../runtime/plan.ts";
import { shapeElements } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { typeName } from "./moduleNames.ts";
import { commentText, countText, shapeText, stringText, valueText } from "./moduleText.ts";

interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What the declarations are made of: little enough to hand to another thread, and known before there is a plan. */
export interface DeclarationSource extends Pick<CompiledNetwork, "name" | "doc"> {
  readonly plan: Pick<NetworkPlan, "inputShape" | "outputShape" | "batch"> & {
    readonly parameters: readonly NamedTensor[];
    readonly states: readonly NamedTensor[];
  };
  /** The sizes of an image of bytes. */
  readonly sourceShape: readonly number[];
  /** What the module can predict besides its outputs. */
  readonly features: readonly string[];
}

/** The texts of the declarations, before formatting. */
export interface ModuleDeclarations {
  /** Imports, and the types where the module has them. */
  readonly head: string;
  /** The function that makes the network. */
  readonly create: string;
  /** All that a .d.ts holds; "" where the module has its types itself. */
  readonly declared: string;
}

/**
 * Loaded only here, because most commands print no code; and as the CommonJS package that it is, because `import` would first
 * read its nine megabytes for the names that they export.
 */
function loadTsMorph(): typeof TsMorph {
  return createRequire(import.meta.url)("ts-morph") as typeof TsMorph;
}

/** The declarations of a module that imports `runtime`; `isTyped` is false for JavaScript. */
export function moduleDeclarations(source: DeclarationSource, runtime: string, isTyped: boolean): ModuleDeclarations {
  const { Project, StructureKind } = loadTsMorph();
  const project = new Project({ useInMemoryFileSystem: true });
  const print = (name: string, statements: StatementStructures[]): string =>
    project.createSourceFile(name, { statements }).getFullText();
  const imported = (names: readonly string[], isTypeOnly: boolean): ImportDeclarationStructure => ({
    kind: StructureKind.ImportDeclaration,
    moduleSpecifier: runtime,
    isTypeOnly,
    namedImports: [...names],
  });
  const type = typeName(source.name);
  const types: StatementStructures[] = [
    ...typeAliases(source, type).map((alias): StatementStructures => ({ kind: StructureKind.TypeAlias, ...alias })),
    { kind: StructureKind.Interface, ...stateDict(source, type) },
    { kind: StructureKind.Interface, ...networkInterface(source, type) },
  ];
  const create = imported(["createNetwork", "unpackKernels"], false);
  const head = isTyped ? [create, imported(["Network", "NetworkOptions", "NetworkPlan"], true), ...types] : [create];
  const declared: StatementStructures[] = [
    imported(["Network", "NetworkOptions"], true),
    ...types,
    { kind: StructureKind.Function, ...declaredFunction(source, type) },
  ];
  return {
    head: print("head.ts", head),
    create: print("create.ts", [{ kind: StructureKind.Function, ...createFunction(source, type, isTyped) }]),
    // Printed only where it is written: ts-morph also parses what it prints.
    declared: isTyped ? "" : print("declared.ts", declared),
  };
}

/** The names of a network's tensors and the shapes of its images. */
function typeAliases(
  { name, plan, sourceShape }: DeclarationSource,
  type: string,
): readonly OptionalKind<TypeAliasDeclarationStructure>[] {
  const label = commentText(name);
  const total = plan.parameters.reduce((sum, { shape }) => sum + shapeElements(shape), 0);
  const names = (tensors: readonly NamedTensor[]): string =>
    tensors.length === 0 ? "never" : tensors.map((tensor) => stringText(tensor.name)).join(" | ");
  // A blank line stands above the names and above the shapes.
  const alias = (suffix: string, text: string, doc: string): OptionalKind<TypeAliasDeclarationStructure> => ({
    leadingTrivia: suffix === "Parameter" || suffix === "Image" ? "\n" : "",
    name: `${type}${suffix}`,
    isExported: true,
    type: text,
    docs: [doc],
  });
  const shape = (sizes: readonly number[]): string => `readonly ${valueText(sizes)}`;
  return [
    alias("Parameter", names(plan.parameters), `What ${label} learns: ${countText(total)} values in all.`),
    alias("Statistic", names(plan.states), `Running statistics of ${label}.`),
    alias("Image", shape(plan.inputShape), `An image that ${label} reads.`),
    alias("Source", shape(sourceShape), `An image of bytes that is prepared for ${label}.`),
  ];
}

function stateDict({ name, plan }: DeclarationSource, type: string): OptionalKind<InterfaceDeclarationStructure> {
  return {
    name: `${type}StateDict`,
    isExported: true,
    docs: [`The tensors of ${commentText(name)} by name, row-major, in PyTorch's layouts.`],
    properties: [...plan.parameters, ...plan.states].map((tensor) => ({
      name: stringText(tensor.name),
      type: "Float32Array<ArrayBuffer>",
      docs: [commentText(shapeText(tensor.shape))],
    })),
  };
}

function networkInterface(
  { name, plan, features }: DeclarationSource,
  type: string,
): OptionalKind<InterfaceDeclarationStructure> {
  const input = plan.inputShape.length === 3 ? "channels x height x width" : "features";
  return {
    name: type,
    isExported: true,
    extends: [`Network${typeArguments(type, features)}`],
    docs: [
      `${commentText(name)} on a GPU. An image is ${plan.inputShape.join(" x ")} (${input}); a step takes up to ${plan.batch}.\n` +
        memoryLine,
    ],
    properties: [
      { name: "inputShape", isReadonly: true, type: `readonly ${valueText(plan.inputShape)}` },
      ...outputProperty(plan),
    ],
    methods: [
      { name: "stateDict", returnType: `Promise<${type}StateDict>`, docs: ["Every parameter and running statistic."] },
      {
        name: "loadStateDict",
        parameters: [{ name: "values", type: `Readonly<Record<keyof ${type}StateDict, Float32Array>>` }],
        returnType: "void",
        docs: ["Replaces all of them; throws, and changes nothing, when one does not fit."],
      },
    ],
  };
}

/** Stands in the declarations where `withMemory` says what only a plan knows. */
const memoryLine = "Buffers on the GPU: (bytes).";

/** The declarations with the bytes of the buffers that a network makes. */
export function withMemory(declarations: string, { training, inference }: CompiledNetwork["peakBytes"]): string {
  const at = declarations.lastIndexOf(memoryLine);
  if (at < 0) return declarations;
  const bytes =
    training === undefined
      ? `${countText(inference)} bytes`
      : `${countText(training)} bytes to train, ${countText(inference)} to predict`;
  return `${declarations.slice(0, at)}Buffers on the GPU: ${bytes}.${declarations.slice(at + memoryLine.length)}`;
}

function outputProperty(plan: DeclarationSource["plan"]): readonly { name: string; isReadonly: true; type: string }[] {
  return plan.outputShape.length === 1
    ? [{ name: "classes", isReadonly: true, type: String(plan.outputShape[0]) }]
    : [{ name: "outputShape", isReadonly: true, type: `readonly ${valueText(plan.outputShape)}` }];
}

/** What a network's type is made of. */
function typeArguments(type: string, features: readonly string[]): string {
  const parts = ["Parameter", "Statistic", "Image", "Source"].map((part) => `${type}${part}`);
  const names = features.map(stringText).join(" | ");
  return `<${[...parts, ...(names === "" ? [] : [names])].join(", ")}>`;
}

function createDocs(name: string): string[] {
  return [
    `Compiles the kernels of ${commentText(name)} on a device, its own if none is given, and draws the first weights.`,
  ];
}

/** The function that makes the network, with its types or without. */
function createFunction(
  { name, plan, features }: DeclarationSource,
  type: string,
  isTyped: boolean,
): OptionalKind<FunctionDeclarationStructure> {
  const sizes = plan.outputShape.length === 1 ? "inputShape, classes" : "inputShape, outputShape";
  return {
    name: `create${type}`,
    isExported: true,
    isAsync: true,
    parameters: [{ name: "options", ...(isTyped && { type: "NetworkOptions" }), initializer: "{}" }],
    ...(isTyped && { returnType: `Promise<${type}>` }),
    docs: createDocs(name),
    statements: [
      `const network = await createNetwork${isTyped ? typeArguments(type, features) : ""}(plan, options);`,
      `return Object.assign(network, { ${sizes} }${isTyped ? " as const" : ""});`,
    ],
  };
}

function declaredFunction({ name }: DeclarationSource, type: string): OptionalKind<FunctionDeclarationStructure> {
  return {
    name: `create${type}`,
    isExported: true,
    hasDeclareKeyword: true,
    parameters: [{ name: "options", type: "NetworkOptions", hasQuestionToken: true }],
    returnType: `Promise<${type}>`,
    docs: createDocs(name),
  };
}
