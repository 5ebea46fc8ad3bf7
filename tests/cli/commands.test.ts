/** The built command line on specs, good and bad: what it prints, and its exit codes. */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { emitModule } from "../../compiler/6-emit/emitModule.ts";
import { compileText } from "../support/compileText.ts";
import { runCnnc } from "../support/runCnnc.ts";
import { temporaryFolder, writeInto } from "../support/temporaryFolder.ts";

const good = `model Tiny(classes = 10) {
  input 1 x 4 x 4
  conv(2, kernel: 3) -> relu
  flatten as features
  linear(classes)
}
train Tiny { data fashion_mnist { resize 4 }  optimizer sgd(lr: 0.1)  batch 4 }
`;
const bad = "model Bad {\n  input 1 x 4 x 4\n  conv(2, kernel: 9)\n  flatten\n  linear(10)\n}\n";
const folder = temporaryFolder({
  "tiny.cnn": good,
  "bad.cnn": bad,
  "latin1.cnn": Uint8Array.of(0x2f, 0x2f, 0x20, 0xe4, 0x0a),
  "no recipe.cnn": good.replace(/^train.*$/m, ""),
  "notes.json": "{}",
});
const inFolder = { cwd: folder };

describe("help and usage", () => {
  test("no words at all: the help, and exit code 2", async () => {
    const { code, error } = await runCnnc([]);
    expect(code).toBe(2);
    expect(error).toContain("Usage: cnnc");
  });

  test("--help shows every command and examples", async () => {
    const { code, out } = await runCnnc(["--help"]);
    expect(code).toBe(0);
    for (const command of ["compile", "check", "summary", "train", "eval", "predict", "verify"]) {
      expect(out).toContain(`  ${command} `);
    }
    expect(out).toContain("cnnc train specs/lenet.cnn --recipe quick");
  });

  test.each(["compile", "check", "summary", "train", "eval", "predict", "verify"])("%s --help", async (command) => {
    const { code, out } = await runCnnc([command, "--help"]);
    expect(code).toBe(0);
    for (const word of [`Usage: cnnc ${command}`, "--model <name>", "--set <name=value>", "--json", "Examples:"]) {
      expect(out).toContain(word);
    }
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
      version: string;
    };
    expect(await runCnnc(["--version"])).toMatchObject({ code: 0, out: `${version}\n` });
  });

  test.each([
    [["chek", "tiny.cnn"], "Did you mean check?"],
    [["check"], "missing required argument 'file'"],
    [["check", "tiny.cnn", "--jsn"], "Did you mean --json?"],
    [["check", "tiny.cnn", "--set", "classes"], "expected NAME=VALUE"],
    [["check", "tiny.cnn", "--set", "classes=2", "--set", "classes=3"], "--set gives classes twice"],
    [["compile", "tiny.cnn"], "--out DIR"],
    [["compile", "tiny.cnn", "--dump", "graph,kernel"], 'There is no stage "kernel"'],
    [["compile", "tiny.cnn", "-o", "x", "--emit", "py"], "Allowed are ts and js."],
    [["compile", "tiny.cnn", "-o", "x", "--batch", "0"], "It must be at least 1."],
    [["compile", "tiny.cnn", "-o", "x", "--adapter", "tpu"], "Allowed are cpu and gpu."],
    [["compile", "tiny.cnn", "-o", "x", "--limit", "maxBufferSiz=1"], "did you mean `maxBufferSize`?"],
    [["tune", "tiny.cnn", "--ways", "packed,winogard"], 'There is no way "winogard"; allowed are winograd, packed'],
    [["train", "tiny.cnn", "--epochs", "two"], "It must be a whole number"],
    [["train", "tiny.cnn", "--resume", "--overwrite"], "cannot be used with option '--resume'"],
    [["train", "tiny.cnn", "--names", "torchvision"], "--names says how the tensors of --init-from are named"],
    [["eval", "tiny.cnn"], "required option '-w, --weights <file>'"],
    [["verify", "tiny.cnn"], "required option '-c, --case <file>'"],
  ])("%j is not understood: exit code 2", async (args, message) => {
    const { code, error } = await runCnnc(args, inFolder);
    expect(error).toContain(message);
    expect(code).toBe(2);
  });
});

describe("docs", () => {
  test("without a name: every layer and every standard block, with its comment", async () => {
    const { code, out } = await runCnnc(["docs"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^ +avg_pool +The mean of each window\.$/m);
    expect(out).toContain("  fire(squeeze, expand1, expand3 = expand1)\n      SqueezeNet (Iandola et al. 2016)");
  });

  test("of a block: its comment and its definition", async () => {
    const { code, out } = await runCnnc(["docs", "transition"]);
    const text = readFileSync(join(import.meta.dirname, "../../specs/std/blocks.cnn"), "utf8");
    expect(code).toBe(0);
    expect(out).toContain("Between two dense blocks");
    expect(out).toContain(/block transition[^]*?\n}/.exec(text)?.[0] ?? "missing");
  });

  test("of a layer: its arguments, as JSON too", async () => {
    const { out } = await runCnnc(["docs", "dropout"]);
    expect(out).toContain("p = 0.5: probability of dropping");
    const { code, out: json } = await runCnnc(["docs", "dropout", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(json)).toMatchObject({
      kind: "layer",
      name: "dropout",
      arguments: [{ name: "p", default: 0.5 }],
    });
  });

  test("of another name: a sentence, and exit code 1", async () => {
    const { code, error } = await runCnnc(["docs", "fir"]);
    expect(code).toBe(1);
    expect(error).toContain("there is no layer or standard block called fir: did you mean `fire`?");
  });
});

describe("files that cannot be read or written: exit code 1 and a sentence", () => {
  test.each([
    [["check", "absent.cnn"], "cannot read absent.cnn: there is no such file"],
    [["check", "."], "cannot read .: it is a directory, not a file"],
    [["check", "latin1.cnn"], "latin1.cnn is not UTF-8 text: the byte at offset 3 does not belong there"],
    [["compile", "tiny.cnn", "-o", "tiny.cnn"], "cannot make the directory tiny.cnn"],
    [["eval", "tiny.cnn", "-w", "absent.safetensors"], "cannot read absent.safetensors: there is no such file"],
    [["verify", "tiny.cnn", "--case", "absent.json"], "cannot read absent.json: there is no such file"],
    [["verify", "tiny.cnn", "--case", "tiny.cnn"], "tiny.cnn is not JSON"],
    [["verify", "tiny.cnn", "--case", "notes.json"], "notes.json is no conformance case"],
    [["train", "tiny.cnn", "--data", "nowhere"], "--data nowhere: there is no such directory"],
    [["train", "no recipe.cnn"], "no recipe.cnn has no recipe for Tiny"],
  ])("%j", async (args, message) => {
    const { code, error } = await runCnnc(args, inFolder);
    expect(error).toContain(message);
    expect(error).not.toContain("internal error");
    expect(error).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });

  test("a directory that may not be written to", async () => {
    const closed = join(folder, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    const { code, error } = await runCnnc(["compile", "tiny.cnn", "-o", "closed/in"], inFolder);
    // Root may write anywhere.
    if (process.getuid?.() === 0) expect(code).toBe(0);
    else expect([code, error]).toEqual([1, expect.stringContaining("permission denied")]);
  });
});

describe("check", () => {
  test("a right file", async () => {
    expect(await runCnnc(["check", "tiny.cnn"], inFolder)).toMatchObject({
      code: 0,
      out: "tiny.cnn: Tiny, no errors\n",
    });
  });

  test("a wrong one: the diagnostic with its frame on the error stream, without colours in a pipe", async () => {
    const { code, out, error } = await runCnnc(["check", "bad.cnn"], inFolder);
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(error).toContain("error[CNN3004]");
    expect(error).toContain("--> bad.cnn:3:3");
    expect(error).toContain("1 error\n");
    expect(error).not.toContain("\u001b[");
    const underCi = await runCnnc(["check", "bad.cnn"], { ...inFolder, env: { CI: "true", GITHUB_ACTIONS: "true" } });
    expect(underCi.error).toBe(error);
  });

  test("colours where they are asked for, and never under NO_COLOR", async () => {
    const coloured = await runCnnc(["check", "bad.cnn"], { ...inFolder, env: { FORCE_COLOR: "1" } });
    expect(coloured.error).toContain("\u001b[");
    const plain = await runCnnc(["check", "bad.cnn"], { ...inFolder, env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(plain.error).not.toContain("\u001b[");
  });

  test("--json", async () => {
    const { code, out } = await runCnnc(["check", "bad.cnn", "--json"], inFolder);
    const { ok, diagnostics } = JSON.parse(out) as { ok: boolean; diagnostics: { code: string; start: object }[] };
    expect([code, ok]).toEqual([1, false]);
    expect(diagnostics[0]).toMatchObject({ code: "CNN3004", start: { line: 3, column: 3 } });
  });

  test("--set reaches the model, and a misspelt name is pointed out", async () => {
    expect((await runCnnc(["check", "tiny.cnn", "--set", "classes=100"], inFolder)).code).toBe(0);
    const { code, error } = await runCnnc(["check", "tiny.cnn", "--set", "clases=100"], inFolder);
    expect(code).toBe(1);
    expect(error).toContain("classes");
  });

  test("--model with a name that is not there", async () => {
    expect((await runCnnc(["check", "tiny.cnn", "--model", "Tiny"], inFolder)).code).toBe(0);
    const { code, error } = await runCnnc(["check", "tiny.cnn", "--model", "Tny"], inFolder);
    expect(code).toBe(1);
    expect(error).toContain("Tiny");
  });

  test("a reader that closes the pipe early is no error", async () => {
    const { spawnSync } = await import("node:child_process");
    const bin = join(import.meta.dirname, "../../compiler/bin.mjs");
    const command = `"${process.execPath}" "${bin}" compile tiny.cnn --dump graph,kernels,memory | head -n 1`;
    const { stdout, stderr } = spawnSync("bash", ["-o", "pipefail", "-c", command], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("graph Tiny\n");
    expect(stderr).not.toContain("EPIPE");
  });
});

describe("summary", () => {
  test("a table with totals", async () => {
    const { code, out } = await runCnnc(["summary", "tiny.cnn"], inFolder);
    expect(code).toBe(0);
    expect(out).toContain("Tiny (classes = 10): 1x4x4 in, 10 out");
    expect(out).toMatch(/^conv1 +2x2x2 +20 +72$/m);
    expect(out).toMatch(/^linear1 +10 +90 +80$/m);
    expect(out).toMatch(/^total +110 +152$/m);
  });

  test("--json has the total under `parameters`", async () => {
    const { out } = await runCnnc(["summary", "specs/lenet.cnn", "--json"]);
    const summary = JSON.parse(out) as { parameters: number; layers: { name: string; output: number[] }[] };
    expect(summary.parameters).toBe(61_706);
    expect(summary.layers[0]).toMatchObject({ name: "conv1", output: [6, 28, 28], parameters: 156 });
  });
});

describe("compile", () => {
  test("the module is named after the spec, with its kernels beside it; twice gives equal bytes", async () => {
    for (const out of ["one", "two"])
      expect((await runCnnc(["compile", "tiny.cnn", "-o", out], inFolder)).code).toBe(0);
    const contents = (out: string): string[] =>
      readdirSync(join(folder, out), { recursive: true, encoding: "utf8" })
        .sort()
        .filter((file) => file.includes("."))
        .map((file) => `${file}\n${readFileSync(join(folder, out, file), "utf8")}`);
    expect(existsSync(join(folder, "one/tiny.ts"))).toBe(true);
    expect(contents("one").some((file) => file.includes(".wgsl"))).toBe(true);
    expect(contents("two")).toEqual(contents("one"));
  });

  test("what a thread of its own prints and packs is what one thread does", async () => {
    const out = join(folder, "out/thread");
    expect((await runCnnc(["compile", "tiny.cnn", "-o", out], inFolder)).code).toBe(0);
    // By its bundle the command line knows that there is a thread to start.
    expect(existsSync(join(import.meta.dirname, "../../dist/cli/moduleWorker.js"))).toBe(true);
    const [module] = await emitModule(compileText(good), { language: "ts", fileName: "tiny" });
    expect(readFileSync(join(out, "tiny.ts"), "utf8")).toBe(module?.text);
  });

  test("--emit js", async () => {
    const { code, out } = await runCnnc(["compile", "tiny.cnn", "-o", "js", "--emit", "js", "--json"], inFolder);
    expect(code).toBe(0);
    const { files } = JSON.parse(out) as { files: string[] };
    expect(files).toEqual(expect.arrayContaining([join("js", "tiny.js"), join("js", "tiny.d.ts")]));
  });

  test("compile --no-fuse writes a module beside the network's own, with more kernels", async () => {
    const kernels = async (...args: readonly string[]): Promise<number> => {
      const { code, error } = await runCnnc(["compile", "tiny.cnn", "-o", "both", ...args], inFolder);
      expect(code).toBe(0);
      return Number(/(\d+) kernels? beside it/.exec(error)?.[1]);
    };
    expect(await kernels()).toBeLessThan(await kernels("--no-fuse"));
    const [own, unfused] = ["tiny.ts", "tiny-unfused.ts"].map((name) =>
      readFileSync(join(folder, "both", name), "utf8"),
    );
    expect(own).toContain("export async function createTiny(");
    expect(unfused).toContain("export async function createTinyUnfused(");
  });

  test("--value: a module beside the network's own, which predicts the value at a name and takes the same weights", async () => {
    const { code } = await runCnnc(["compile", "tiny.cnn", "-o", "one", "--value", "features"], inFolder);
    expect(code).toBe(0);
    const module = readFileSync(join(folder, "one/tiny-features.ts"), "utf8");
    expect(module).toContain("export async function createTinyFeatures(options: NetworkOptions = {})");
    // Two channels of 2 x 2.
    for (const part of ["readonly classes: 8;", '"linear1.weight": Float32Array']) expect(module).toContain(part);
    const wrong = await runCnnc(["compile", "tiny.cnn", "-o", "one", "--value", "feature"], inFolder);
    expect(wrong).toMatchObject({
      code: 2,
      error: expect.stringContaining("--value feature: Tiny has no such value or layer; did you mean `features`?"),
    });
  });

  test("--dump prints the stages", async () => {
    const { out } = await runCnnc(["compile", "tiny.cnn", "--dump", "graph,kernels,memory"], inFolder);
    for (const word of ["graph Tiny", "# training", "kernel ", "# inference", "slot 0 "]) expect(out).toContain(word);
  });

  test("--adapter and --limit: kernels for many lanes, and what a larger binding spares", async () => {
    const lenet = join(import.meta.dirname, "../../specs/lenet.cnn");
    const kernels = async (...options: string[]): Promise<string> =>
      (await runCnnc(["compile", lenet, "--batch", "64", "--dump", "kernels", ...options])).out;
    const [cpu, gpu] = [await kernels(), await kernels("--adapter", "gpu")];
    // A GPU has more invocations, so that each takes a smaller tile.
    expect(gpu).not.toBe(cpu);
    expect(await kernels("--limit", "maxStorageBufferBindingSize=1000000")).not.toBe(cpu);
  });

  test("nothing is written when the spec has errors", async () => {
    expect((await runCnnc(["compile", "bad.cnn", "-o", "none"], inFolder)).code).toBe(1);
    expect(existsSync(join(folder, "none"))).toBe(false);
  });

  test("imports are read from beside the file", async () => {
    writeInto(folder, {
      "sub/blocks.cnn": "block twice(n) { conv(n, kernel: 1) -> conv(n, kernel: 1) }\n",
      "sub/main.cnn": 'import "./blocks.cnn"\nmodel M { input 1 x 4 x 4  twice(2)  flatten  linear(3) }\n',
    });
    expect(await runCnnc(["check", "sub/main.cnn"], inFolder)).toMatchObject({ code: 0 });
  });
});
