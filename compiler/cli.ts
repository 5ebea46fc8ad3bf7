/**
 * The command line: arguments in, exit code out. 0 is success, 1 means errors in the spec or a miss, 2 a command that was
 * not understood, 130 an interruption.
 */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Command, CommanderError, Option } from "commander";
import { SpecErrors } from "./commands/compileSpec.ts";
import { choice, collect, collectMore, listOf, positiveInteger, wholeNumber } from "./commands/optionValues.ts";
import { processTerminal, type Terminal } from "./commands/terminal.ts";
import { UserError } from "./files/userError.ts";
import { ways } from "./ir/choices.ts";

const examples = `
Examples:
  cnnc check specs/lenet.cnn                                is the file right?
  cnnc summary specs/lenet.cnn                              its layers, shapes and sizes
  cnnc docs inception                                       what a layer or a standard block is
  cnnc compile specs/lenet.cnn -o out/lenet                 a typed module and its WGSL kernels
  cnnc train specs/lenet.cnn --recipe quick --out out/run   train it, with its recipe \`quick\`
  cnnc eval specs/lenet.cnn --weights out/run/weights.safetensors
  cnnc report out/run                                       the run as a page: curves, mistakes, the network

\`cnnc COMMAND --help\` explains a command. docs/language.md is the language's reference.
Exit codes: 0 success, 1 errors in the spec or a failed run, 2 a command not understood, 130 interrupted.`;

const weightsText = "weights as safetensors: what `cnnc train` writes; several times for an ensemble";
const namesText = 'how they are named: `torchvision`, or a JSON file {"their name": "ours"}';

/** The program with all its commands; `setExitCode` hears what the chosen command ends with. */
function buildProgram(terminal: Terminal, setExitCode: (code: number) => void): Command {
  const program = new Command("cnnc")
    .description("Compiles convolutional networks written in .cnn files to WebGPU, and trains and runs them.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .showHelpAfterError("(cnnc --help shows what there is)")
    .addHelpText("after", examples)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.error });

  /** A command on a spec, with the options that all of them have. */
  const onSpec = (name: string, description: string, file = "<file>", fileDoc = "the .cnn file"): Command =>
    program
      .command(name)
      .description(description)
      .argument(file, fileDoc)
      .option("-m, --model <name>", "the model to use (default: the last one of the file)")
      .option("-s, --set <name=value>", "give a model parameter a value; may be repeated", collect, [])
      .option("--json", "print results and diagnostics as JSON")
      .option("--deny-warnings", "take warnings for errors: exit code 1, nothing written or run")
      .option("--no-color", "no colours (NO_COLOR does the same)")
      .option("--debug", "show the stack of an internal error (CNNC_DEBUG=1 does the same)");

  onSpec("compile", "Write a network's TypeScript module and WGSL kernels, or show the compiler's stages.")
    .option("-o, --out <dir>", "the directory to write to; it is made if it is not there")
    .option("--emit <language>", "`ts`, or `js` with a declaration file", choice("ts", "js"), "ts")
    .option(
      "--dump <stages>",
      "print stages, separated by commas: graph, kernels, memory",
      listOf("stage", ["graph", "kernels", "memory"]),
    )
    .option("-r, --recipe <name>", "the recipe that decides loss, optimizer and batch")
    .option("-b, --batch <n>", "the most images of a step (default: the recipe's batch)", positiveInteger)
    .option(
      "--value <name>",
      "a module that predicts a value of the spec instead (feature extraction): an `as` name, or a path of `summary`",
    )
    .option(
      "--features <names>",
      "values (`as` names or paths of `summary`), separated by commas, that `predict` gives besides the logits",
      (names: string) => names.split(",").map((name) => name.trim()),
    )
    .option("--no-fuse", "a module NAME-unfused with a kernel for each op, where `firstNotFinite` finds a NaN's layer")
    .option(
      "--adapter <class>",
      "what the kernels are written for: a software adapter's few lanes (`cpu`) or a GPU's many (`gpu`)",
      choice("cpu", "gpu"),
      "cpu",
    )
    .option("--limit <name=value>", "a limit of the adapters in use, beyond WebGPU's own; may be repeated", collect, [])
    .addHelpText(
      "after",
      help(
        "compile",
        "specs/lenet.cnn -o out/lenet",
        "specs/lenet.cnn --set activation=relu --emit js -o web/lenet",
        "specs/lenet.cnn --dump graph,kernels",
        "specs/resnet.cnn --adapter gpu -o web/resnet",
      ),
    )
    .action(async (file: string, options: object) => {
      const { compileCommand } = await import("./commands/compile.ts");
      setExitCode(await compileCommand(file, options as Parameters<typeof compileCommand>[1], terminal));
    });

  onSpec("check", "Report every error and warning of a file; write nothing.")
    .option("-r, --recipe <name>", "the recipe to check with")
    .option("-b, --batch <n>", "the batch to check with (default: the recipe's)", positiveInteger)
    .addHelpText("after", help("check", "specs/lenet.cnn", "specs/lenet.cnn --json", "specs/lenet.cnn --deny-warnings"))
    .action(async (file: string, options: object) => {
      const { checkCommand } = await import("./commands/check.ts");
      setExitCode(checkCommand(file, options as Parameters<typeof checkCommand>[1], terminal));
    });

  onSpec(
    "summary",
    "Show a network layer by layer: name, output shape, parameters, multiply-adds; and its bytes on the GPU.",
  )
    .option("-r, --recipe <name>", "the recipe whose model arguments, batch and optimizer count")
    .option("-b, --batch <n>", "the batch that the memory is counted for (default: the recipe's)", positiveInteger)
    .option(
      "-d, --depth <n>",
      "one row for each block: 1 for those of the model, 2 for those inside them",
      positiveInteger,
    )
    .option("--adapter <class>", "the adapter that the plan is made for: `cpu` or `gpu`", choice("cpu", "gpu"), "cpu")
    .option("--limits <which>", "its limits: `default`, WebGPU's own", choice("default"), "default")
    .option("--limit <name=value>", "a limit that differs from them; may be repeated", collect, [])
    .option("--no-memory", "layers alone, at once: nothing is compiled")
    .addHelpText(
      "after",
      help(
        "summary",
        "specs/lenet.cnn",
        "specs/resnet.cnn --set depth=101 --depth 1 --batch 1",
        "specs/vgg.cnn --batch 1 --limit maxStorageBufferBindingSize=1073741824",
        "specs/lenet.cnn --json | jq .parameters",
      ),
    )
    .action(async (file: string, options: object) => {
      const { summaryCommand } = await import("./commands/summary.ts");
      setExitCode(summaryCommand(file, options as Parameters<typeof summaryCommand>[1], terminal));
    });

  onSpec("train", "Train a network by its recipe; Ctrl-C saves a checkpoint before it stops, --resume goes on from it.")
    .option("-r, --recipe <name>", "the recipe (default: the model's own)")
    .option("-o, --out <dir>", "the run's directory: module, weights, checkpoint, log, loss curve (default: out/MODEL)")
    .option("-e, --epochs <n>", "passes over the training images (default: the recipe's)", positiveInteger)
    .option("-b, --batch <n>", "images a step (default: the recipe's)", positiveInteger)
    .option("--seed <n>", "seed of initial weights and order (default: the recipe's)", wholeNumber)
    .option("--resume", "go on from the run's newest checkpoint, to exactly the losses of an uninterrupted run")
    .option("--accept-changes", "with --resume: go on although the recipe's numbers or the data have changed")
    .addOption(new Option("--overwrite", "start anew in a directory that holds a run").conflicts("resume"))
    .option(
      "--keep <n>",
      "how many of the last checkpoints stay, besides the best epoch's (default: 3)",
      positiveInteger,
    )
    .option("--checkpoint-every <steps>", "checkpoints inside an epoch (default: every five minutes)", positiveInteger)
    .option("--init-from <file>", "start from these weights, as far as their names and shapes fit")
    .option("--names <map>", namesText)
    .option("-d, --data <dir>", "the directory of the data set's files (default: where it is installed)")
    .addHelpText(
      "after",
      help(
        "train",
        "specs/lenet.cnn --recipe quick --out out/quick",
        "specs/lenet.cnn --out out/lenet --epochs 10 --resume",
        "specs/lenet.cnn --data ~/fashion-mnist --seed 7",
      ),
    )
    .action(async (file: string, options: object) => {
      const { trainCommand } = await import("./commands/train.ts");
      setExitCode(await trainCommand(file, options as Parameters<typeof trainCommand>[1], terminal));
    });

  onSpec("tune", "Measure faster kernels for a network on this machine's adapter, for `cnnc compile` and `cnnc train`.")
    .option("-r, --recipe <name>", "the recipe whose training step counts")
    .option("-b, --batch <n>", "the most images of a step (default: the recipe's)", positiveInteger)
    .option(
      "-o, --out <dir>",
      "the module's directory, for its table NAME.tune.json (default: out/MODEL, as `cnnc train`)",
    )
    .option("--budget <seconds>", "about how long to measure; Ctrl-C ends it with what was found", positiveInteger, 120)
    .option(
      "--ways <names>",
      `ways for the whole network to try: ${ways.join(", ")} (default: all)`,
      listOf("way", ways),
    )
    .option("--adapter <class>", "the kernels to start from: `cpu` or `gpu`", choice("cpu", "gpu"), "cpu")
    .addHelpText("after", help("tune", "specs/lenet.cnn", "specs/resnet.cnn --set depth=18 --budget 600 -o web/resnet"))
    .action(async (file: string, options: object) => {
      const { tuneCommand } = await import("./commands/tune.ts");
      setExitCode(await tuneCommand(file, options as Parameters<typeof tuneCommand>[1], terminal));
    });

  onSpec("eval", "Print loss, accuracy, figures of each class and the confusion matrix on the held-out test images.")
    .requiredOption("-w, --weights <file>", weightsText, collectMore)
    .option("--names <map>", namesText)
    .option("-r, --recipe <name>", "the recipe that says which data, and how images are prepared")
    .option("-d, --data <dir>", "the directory of the data set's files")
    .option("--csv <file>", "write the confusion matrix there: a line for each class, a column for each taken for it")
    .addHelpText(
      "after",
      help(
        "eval",
        "specs/lenet.cnn --weights out/lenet/weights.safetensors",
        "specs/lenet.cnn -w out/a/best.safetensors -w out/b/best.safetensors --csv confusion.csv",
      ),
    )
    .action(async (file: string, options: object) => {
      const { evalCommand } = await import("./commands/eval.ts");
      setExitCode(await evalCommand(file, options as Parameters<typeof evalCommand>[1], terminal));
    });

  onSpec("predict", "Print the most likely classes of pictures or of test images, with their probabilities.")
    .argument("[pictures...]", "PNG and JPEG files; exit code 1 where one cannot be read, after the others are done")
    .requiredOption("-w, --weights <file>", weightsText, collectMore)
    .option("--names <map>", namesText)
    .option("-r, --recipe <name>", "the recipe that says which data, and how images are prepared")
    .option("-d, --data <dir>", "the directory of the data set's files")
    .option("-i, --images <range>", "which test images: 3, 0-9 or 1,5,7 (default: 0-9, where no pictures are given)")
    .option("-t, --top <n>", "how many classes to print for each image", positiveInteger, 3)
    .option(
      "--value <name>",
      "print a value instead, as JSON (feature extraction): an `as` name, or a path of `summary`",
    )
    .addHelpText(
      "after",
      help(
        "predict",
        "specs/lenet.cnn --weights out/lenet/weights.safetensors shirt.png photos/*.jpg",
        "specs/lenet.cnn --weights out/lenet/weights.safetensors --images 0-4 --top 1",
        "specs/lenet.cnn -w out/a/best.safetensors -w out/b/best.safetensors --json shirt.png",
      ),
    )
    .action(async (file: string, pictures: readonly string[], options: object) => {
      const { predictCommand } = await import("./commands/predict.ts");
      setExitCode(await predictCommand(file, pictures, options as Parameters<typeof predictCommand>[2], terminal));
    });

  const verifyText = "Run a compiled network against a recorded conformance case; exit code 1 on a miss.";
  const verifyFile = "the .cnn file; cases of images, of fills, and of several inputs need none";
  onSpec("verify", verifyText, "[file]", verifyFile)
    .requiredOption("-c, --case <file>", "the case, a .json file with its .safetensors beside it")
    .option("--step", "also take one training step of a network: its loss, and that its update is the gradients'")
    .option("-d, --data <dir>", "the directory of the Fashion-MNIST files, where the case needs more than ship")
    .addHelpText("after", help("verify", "specs/lenet.cnn --case tests/conformance/cases/train_lenet_sgd.json"))
    .action(async (file: string | undefined, options: object) => {
      const { verifyCommand } = await import("./commands/verify.ts");
      setExitCode(await verifyCommand(file, options as Parameters<typeof verifyCommand>[1], terminal));
    });
  program
    .command("report")
    .description("Show a run, finished or not, as one HTML page: curves, mistakes, filters, feature maps, the network.")
    .argument("<run>", "the run's directory, as `cnnc train --out` leaves it")
    .option("-o, --out <file>", "the page to write (default: report.html in the run's directory)")
    .option(
      "-i, --image <which>",
      "the image whose feature maps are shown: a test image's number, or a PNG or JPEG",
      "0",
    )
    .option("--value <name>", "a layer or `as` name whose feature maps are shown; may be repeated", collect, [])
    .option("--mistakes <n>", "how many of the worst mistakes to show", wholeNumber, 24)
    .option("-w, --weights <file>", "the weights to look at (default: the best epoch's, else the newest)")
    .option("-d, --data <dir>", "the directory of the data set's files (default: where the run found them)")
    .option("--json", "print the page's path and size as JSON, and what could not be shown")
    .option("--no-color", "no colours (NO_COLOR does the same)")
    .option("--debug", "show the stack of an internal error (CNNC_DEBUG=1 does the same)")
    .addHelpText(
      "after",
      help("report", "out/lenet", "out/lenet --image 7 --value conv2 -o lenet.html", "out/lenet --image ~/shoe.png"),
    )
    .action(async (run: string, options: object) => {
      const { reportCommand } = await import("./commands/report.ts");
      setExitCode(await reportCommand(run, options as Parameters<typeof reportCommand>[1], terminal));
    });
  program
    .command("docs")
    .description("Describe the layers and the blocks of the standard library, or one of them in full.")
    .argument("[name]", "a layer or a block: `conv`, `inception`")
    .option("--json", "print the descriptions as JSON")
    .option("--no-color", "no colours (NO_COLOR does the same)")
    .addHelpText("after", help("docs", "", "inception", "conv"))
    .action(async (name: string | undefined, options: object) => {
      const { docsCommand } = await import("./commands/docs.ts");
      setExitCode(docsCommand(name, options, terminal));
    });
  return program;
}

/** Runs one command line; the exit code is the promise's value, and nothing is thrown. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    if (args.length === 0) {
      terminal.error(program.helpInformation() + `${examples}\n`);
      return 2;
    }
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportFailure(error, args, terminal);
  }
}

function reportFailure(error: unknown, args: readonly string[], terminal: Terminal): number {
  // Commander has already printed its message; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof SpecErrors) return 1;
  const { bold, red } = terminal.errorColours;
  const isDebugging = args.includes("--debug") || Boolean(process.env["CNNC_DEBUG"]);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (isExpected(error)) {
    terminal.error(`${bold(red("error"))}: ${message}\n`);
    if (isDebugging) terminal.error(`${stack ?? ""}\n`);
    return error instanceof UserError ? error.exitCode : 1;
  }
  terminal.error(`${bold(red("internal error"))}: ${message}\n`);
  terminal.error(
    isDebugging
      ? `${stack ?? ""}\n`
      : "This is a mistake in cnnc, not in your file. Please report it with the file and the output of the same command with --debug.\n",
  );
  return 1;
}

/** Errors whose message is meant for people: ours, the runtime's and those of a missing adapter. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof UserError || (error instanceof Error && ["NetworkError", "NoAdapterError"].includes(error.name))
  );
}

function help(command: string, ...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  cnnc ${command} ${line}`.trimEnd() + "\n").join("")}`;
}

function readVersion(): string {
  for (const from of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(from, import.meta.url), "utf8")) as Record<
        string,
        unknown
      >;
      if (name === "cnnc") return String(version);
    } catch {
      // From dist/ it lies one folder further up.
    }
  }
  return "unknown";
}

/** A reader that has seen enough (`cnnc … | head`) is no error. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
}

/** The process as a whole: what compiler/bin.mjs starts. */
export async function runProcess(): Promise<void> {
  endQuietlyOnClosedPipe();
  // Vulkan's loader complains on the error stream where a machine without a desktop has none.
  process.env["XDG_RUNTIME_DIR"] ||= tmpdir();
  process.exitCode = await runCli(process.argv.slice(2), processTerminal());
}
