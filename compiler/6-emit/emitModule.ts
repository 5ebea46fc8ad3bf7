/**
 * emitModule: a compiled network → the files that an app imports. In comes the plan; out come a formatted module, in
 * TypeScript or in JavaScript with its declarations, and one .wgsl file a kernel for readers. The module is the plan as
 * constants and one function; the kernels' texts are packed in it. Equal input gives equal bytes.
 *
 * before: NetworkPlan { name: "LeNet", buffers, kernels, … }
 * after:  lenet.ts, lenet/conv1.wgsl, …
 */
import type { DispatchPlan, NetworkPlan, TensorPlan } from "../../runtime/plan.ts";
import type { CompiledNetwork, EmittedFile } from "../ir/output.ts";
import { CommentedList, ConstantName, literalText } from "./literalText.ts";
import { withMemory, type DeclarationSource } from "./moduleDeclarations.ts";
import { distinctNames, fileStem } from "./moduleNames.ts";
import { shapeText, templateText } from "./moduleText.ts";
import { packKernels, type PackKernels, type PackedTexts } from "./packTexts.ts";
import { printDeclarations, type PrintDeclarations } from "./printDeclarations.ts";

export type ModuleSource = Pick<CompiledNetwork, "name" | "doc" | "plan" | "peakBytes">;

export interface EmitModuleOptions {
  readonly language: "ts" | "js";
  /** What the files are called, without an ending; the model's name in lower case otherwise. */
  readonly fileName?: string;
  /** Who prints the declarations and packs the kernels: this thread, or a worker that `moduleInWorker` started. */
  readonly print?: PrintDeclarations;
  readonly pack?: PackKernels;
}

/** The files of a network: the module first, then its declarations if it is JavaScript, then the kernels. */
export async function emitModule(network: ModuleSource, options: EmitModuleOptions): Promise<readonly EmittedFile[]> {
  const stem = fileStem(options.fileName ?? network.name);
  const kernelNames = distinctNames(network.plan.kernels.map(({ name }) => fileStem(name)));
  const kernels = network.plan.kernels.map(({ wgsl }, index) => ({
    path: `${stem}/${kernelNames[index]}.wgsl`,
    text: wgsl.endsWith("\n") ? wgsl : `${wgsl}\n`,
  }));
  const isTyped = options.language === "ts";
  const { plan, peakBytes } = network;
  const printing = (options.print ?? printDeclarations)(declarationSource(network), options.language);
  const packing = (options.pack ?? packKernels)(plan.kernels.map(({ wgsl }) => wgsl));
  // The tables are written formatted; only the declarations go through the formatter, which may be another thread's work meanwhile.
  const tablesWith = planText(plan, stem, isTyped);
  const [{ head, create, declared }, packed] = await Promise.all([printing, packing]);
  const tables = tablesWith(packed);
  const module = `${withMemory(head, peakBytes)}\n${tables}\n${create}`;
  if (isTyped) return [{ path: `${stem}.ts`, text: module }, ...kernels];
  const types = withMemory(declared, peakBytes);
  return [{ path: `${stem}.js`, text: module }, { path: `${stem}.d.ts`, text: types }, ...kernels];
}

function declarationSource({ name, doc, plan }: ModuleSource): DeclarationSource {
  const named = (tensors: readonly TensorPlan[]): DeclarationSource["plan"]["parameters"] =>
    tensors.map((tensor) => ({ name: tensor.name, shape: tensor.shape }));
  const { inputShape, outputShape, batch } = plan;
  return {
    name,
    doc,
    plan: { inputShape, outputShape, batch, parameters: named(plan.parameters), states: named(plan.states) },
    sourceShape: plan.preparation?.sourceShape ?? inputShape,
    features: Object.keys(plan.inference.features ?? {}),
  };
}

/** The plan's parts as constants, in the order in which a reader meets them; the kernels among them, when they are packed. */
function planText(plan: NetworkPlan, folder: string, isTyped: boolean): (packed: PackedTexts) => string {
  const texts: (string | ((packed: PackedTexts) => string))[] = [];
  const constantText = (name: string, text: string, type = "", doc = ""): string => {
    const above = doc === "" ? "" : `/** ${doc} */\n`;
    return `${above}const ${name}${isTyped && type !== "" ? `: ${type}` : ""} = ${text};\n`;
  };
  const constant = (...parts: Parameters<typeof constantText>): void => void texts.push(constantText(...parts));
  const value = (name: string, it: unknown, type?: string, doc?: string): void => {
    const column = `const ${name}${isTyped && type !== undefined ? `: ${type}` : ""} = `.length;
    constant(name, literalText(it, 0, column), type, doc);
  };
  const list = (name: keyof NetworkPlan, doc: string, entries: CommentedList["entries"]): void => {
    value(name, new CommentedList(entries), `NetworkPlan["${name}"]`, doc);
  };
  const tensors = (name: "parameters" | "states" | "optimizer", doc: string): void => {
    list(name, doc, plan[name].map((tensor) => ({ comment: shapeText(tensor.shape), value: tensor }))); // prettier-ignore
  };
  const shape = (name: string, sizes: readonly number[]): void => {
    constant(name, `${literalText(sizes, 0, 0)}${isTyped ? " as const" : ""}`);
  };

  shape("inputShape", plan.inputShape);
  if (plan.outputShape.length === 1) value("classes", plan.outputShape[0]);
  else shape("outputShape", plan.outputShape);
  list(
    "buffers",
    "GPU buffers; bindings name them by their place in this list. Sizes in bytes.",
    plan.buffers.map((buffer, index) => ({ comment: `buffer ${index}`, value: buffer })),
  );
  tensors("parameters", "What training changes, and how it starts.");
  tensors("states", "Running statistics.");
  tensors("optimizer", "What the optimizer remembers of each parameter.");
  list(
    "uniforms",
    "The numbers that the host sets before each step.",
    plan.uniforms.map((uniform) => ({ comment: "", value: uniform })),
  );
  const kernels = plan.kernels.map(({ name, workgroupSize }, index) => ({
    comment: `kernel ${index}`,
    value: { name, workgroupSize },
  }));
  const kernelList = literalText(new CommentedList(kernels), 2, 2);
  texts.push(({ templates, lines }) => {
    const parts = [kernelList, templateText(templates), templateText(lines)];
    return constantText(
      "kernels",
      `unpackKernels(\n${parts.map((text) => `  ${text},\n`).join("")})`,
      'NetworkPlan["kernels"]',
      `The kernels; dispatches name them by their place in this list. Their WGSL is packed here; ${folder}/ holds it for readers.`,
    );
  });
  const { training, inference, preparation } = plan;
  if (training !== undefined) value("training", program(plan, training), 'NetworkPlan["training"] & object');
  value("inference", program(plan, inference), 'NetworkPlan["inference"]');
  if (preparation !== undefined) {
    const doc = "How images are made of bytes, before a step that trains or predicts.";
    value("preparation", program(plan, preparation), 'NetworkPlan["preparation"]', doc);
  }
  if (plan.tuned !== undefined) {
    const entries = plan.tuned.map(({ adapter, plan: other }) => ({
      comment: [adapter.vendor, adapter.architecture, adapter.device, adapter.description].join(" "),
      value: { adapter, plan: programs(plan, other) },
    }));
    const doc =
      "What differs on adapters where `cnnc tune` measured it to be faster; all others run the plan as it is.";
    value("tuned", new CommentedList(entries), 'NetworkPlan["tuned"] & object', doc);
  }
  const { format, name, batch, seed, counters, requiredLimits, requiredFeatures } = plan;
  const named = (part: string): readonly [string, ConstantName] => [part, new ConstantName(part)];
  value(
    "plan",
    {
      ...{ format, name, batch, seed, counters, requiredLimits },
      ...(requiredFeatures !== undefined && { requiredFeatures }),
      inputShape: new ConstantName("inputShape"),
      outputShape: plan.outputShape.length === 1 ? [new ConstantName("classes")] : new ConstantName("outputShape"),
      ...Object.fromEntries(["buffers", "parameters", "states", "optimizer", "uniforms", "kernels"].map(named)),
      ...Object.fromEntries(
        ["inference", "training", "preparation", "tuned"].filter((part) => part in plan).map(named),
      ),
    },
    "NetworkPlan",
  );
  return (packed) => texts.map((text) => (typeof text === "string" ? text : text(packed))).join("\n");
}

/** The programs among a plan's parts, as `program` gives them. */
function programs(plan: NetworkPlan, parts: Partial<NetworkPlan>): object {
  const names: readonly string[] = ["training", "inference", "preparation"];
  const entries = Object.entries(parts).map(([name, part]: [string, unknown]) => {
    return [
      name,
      typeof part === "object" && part !== null && names.includes(name) ? program(plan, part) : part,
    ] as const;
  });
  return Object.fromEntries(entries);
}

/** A program whose lists of dispatches are commented with their kernels. */
function program(plan: NetworkPlan, of: object): object {
  const entries = Object.entries(of).map(([key, value]: [string, unknown]) => {
    return [key, isDispatches(value) ? commented(plan, value) : value] as const;
  });
  return Object.fromEntries(entries);
}

function isDispatches(value: unknown): value is readonly DispatchPlan[] {
  const [first] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  return typeof first === "object" && first !== null && "kernel" in first;
}

function commented(plan: NetworkPlan, dispatches: readonly DispatchPlan[]): CommentedList {
  return new CommentedList(
    dispatches.map((dispatch) => ({
      comment: plan.kernels[dispatch.kernel]?.name ?? "",
      value: dispatch,
    })),
  );
}
