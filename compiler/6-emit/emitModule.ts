/**
 * emitModule: a compiled network → the files that an app imports. In comes the plan; out come a formatted module, in
 * TypeScript or in JavaScript with its declarations, and one .wgsl file a kernel for readers. The module is the plan as
 * constants and one function; the kernels' texts are packed in it. Equal input gives equal bytes.
 *
 * before: NetworkPlan { name: "LeNet", buffers, kernels, … }
 * after:  lenet.ts, lenet/conv1.wgsl, …
 */
import type { DispatchPlan, NetworkPlan } from "../../runtime/plan.ts";
import type { CompiledNetwork, EmittedFile } from "../ir/output.ts";
import { CommentedList, ConstantName, literalText } from "./literalText.ts";
import { distinctNames, fileStem } from "./moduleNames.ts";
import { shapeText, templateText } from "./moduleText.ts";
import { minifiedLines, packTexts } from "./packTexts.ts";
import { printDeclarations, type PrintDeclarations } from "./printDeclarations.ts";

export type ModuleSource = Pick<CompiledNetwork, "name" | "doc" | "plan" | "peakBytes">;

export interface EmitModuleOptions {
  readonly language: "ts" | "js";
  /** What the files are called, without an ending; the model's name in lower case otherwise. */
  readonly fileName?: string;
  /** Who prints the declarations: this thread, or a worker that `printInWorker` started. */
  readonly print?: PrintDeclarations;
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
  const { plan } = network;
  const source = {
    name: network.name,
    doc: network.doc,
    peakBytes: network.peakBytes,
    plan: {
      parameters: plan.parameters,
      states: plan.states,
      inputShape: plan.inputShape,
      outputShape: plan.outputShape,
      batch: plan.batch,
    },
    sourceShape: plan.preparation?.sourceShape ?? plan.inputShape,
    features: Object.keys(plan.inference.features ?? {}),
  };
  const printing = (options.print ?? printDeclarations)(source, options.language);
  // The tables are written formatted; only the declarations go through the formatter, which may be another thread's work meanwhile.
  const tables = planText(plan, stem, isTyped);
  const { head, create, declared } = await printing;
  const module = `${head}\n${tables}\n${create}`;
  if (isTyped) return [{ path: `${stem}.ts`, text: module }, ...kernels];
  return [{ path: `${stem}.js`, text: module }, { path: `${stem}.d.ts`, text: declared }, ...kernels];
}

/** The plan's parts as constants, in the order in which a reader meets them. */
function planText(plan: NetworkPlan, folder: string, isTyped: boolean): string {
  const texts: string[] = [];
  const constant = (name: string, text: string, type = "", doc = ""): void => {
    const above = doc === "" ? "" : `/** ${doc} */\n`;
    texts.push(`${above}const ${name}${isTyped && type !== "" ? `: ${type}` : ""} = ${text};\n`);
  };
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
  const shortLines = new Map<string, string>();
  const { templates, lines } = packTexts(plan.kernels.map(({ wgsl }) => minifiedLines(wgsl, shortLines)));
  const packed = [
    literalText(
      new CommentedList(
        plan.kernels.map(({ name, workgroupSize }, index) => ({
          comment: `kernel ${index}`,
          value: { name, workgroupSize },
        })),
      ),
      2,
      2,
    ),
    templateText(templates),
    templateText(lines),
  ];
  constant(
    "kernels",
    `unpackKernels(\n${packed.map((text) => `  ${text},\n`).join("")})`,
    'NetworkPlan["kernels"]',
    `The kernels; dispatches name them by their place in this list. Their WGSL is packed here; ${folder}/ holds it for readers.`,
  );
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
  return texts.join("\n");
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
