// `npm run test:portable`: one generated LeNet module, unchanged, on two conformance cases in Deno and in Chromium, a training
// that is paused and taken up again in both, and in Chromium pictures of every kind, the page of docs/examples/worker and the one
// of `npm run bench:browser`. What is not installed is fetched from npm where npm has it; what cannot be had is named. Fails when neither could run.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { checkBenchPage } from "./checkBenchPage.mjs";
import { checkWorkerPage } from "./checkWorkerPage.mjs";

const root = join(fileURLToPath(import.meta.url), "../../..");
const site = join(root, "out/portable/site");
const tools = join(root, "out/portable/tools");

const runs = [
  { name: "Deno", run: runInDeno },
  { name: "Chromium", run: runInChromium },
];

prepareSite();
let [ran, failed] = [0, 0];
for (const { name, run } of runs) {
  try {
    const outcome = await run();
    if (outcome.missing !== undefined) {
      console.log(`${name}: not run: ${outcome.missing}`);
      continue;
    }
    ran++;
    console.log(`${name} ${outcome.version}, adapter: ${outcome.adapter || "no name given"}`);
    for (const result of outcome.results) {
      const { name: test, quantity, error, tolerance, passed } = result;
      const verdict = passed ? "ok" : "MISSED";
      console.log(`  ${test} ${quantity}: error ${error.toExponential(2)}, tolerance ${tolerance}: ${verdict}`);
    }
    if (outcome.results.length === 0 || outcome.results.some(({ passed }) => !passed)) failed++;
  } catch (error) {
    ran++;
    failed++;
    console.error(`${name}: ${error.stack ?? error}`);
  }
}
console.log(`${ran - failed} of ${runs.length} passed, ${failed} failed, ${runs.length - ran} not installed`);
if (failed > 0 || ran === 0) process.exitCode = 1;

/** Puts the module, the cases, the images and the checking code in one folder that needs nothing else. */
function prepareSite() {
  rmSync(site, { recursive: true, force: true });
  mkdirSync(site, { recursive: true });
  const compile = (spec, folder) => {
    const words = ["compile", join(root, spec), "--emit", "js", "-o", folder];
    const { status } = spawnSync(process.execPath, [join(root, "compiler/bin.mjs"), ...words], { stdio: "inherit" });
    if (status !== 0) throw new Error(`${spec} did not compile`);
  };
  compile("specs/lenet.cnn", site);
  const example = "docs/examples/worker";
  cpSync(join(root, example), join(site, "worker"), { recursive: true });
  compile(`${example}/clock.cnn`, join(site, "worker"));
  const copy = (from, to) => copyFileSync(join(root, from), join(site, to));
  for (const file of ["checkLenet.mjs", "checkTraining.mjs", "inDeno.mjs", "inBrowser.mjs"])
    copy(`tests/portable/${file}`, file);
  for (const name of ["lenet", "train_lenet_sgd"]) {
    for (const ending of ["json", "safetensors"]) {
      copy(`tests/conformance/cases/${name}.${ending}`, `${name}.${ending}`);
    }
  }
  for (const [file, name] of [
    ["train-images-idx3-ubyte.gz", "train-images.idx"],
    ["train-labels-idx1-ubyte.gz", "train-labels.idx"],
  ]) {
    writeFileSync(join(site, name), gunzipSync(readFileSync(join(root, "specs/data/fashion-mnist", file))));
  }
  writeFileSync(join(site, "index.html"), "<!doctype html><meta charset=utf-8><title>cnnc</title>");
}

function runInDeno() {
  const deno = findDeno();
  if (deno === undefined) return { missing: "Deno is neither on the PATH nor to be had from npm for this platform" };
  const version = spawnSync(deno, ["--version"], { encoding: "utf8" })
    .stdout.split("\n")[0]
    .replace(/^deno /, "");
  const words = ["run", "--no-config", "--unstable-webgpu", "--allow-read", join(site, "inDeno.mjs")];
  const { stdout, stderr, status } = spawnSync(deno, words, { encoding: "utf8", timeout: 600_000 });
  const line = (key) =>
    stdout
      .split("\n")
      .find((text) => text.startsWith(`${key} `))
      ?.slice(key.length + 1);
  const results = line("results");
  if (status !== 0 || results === undefined) {
    if (/no WebGPU adapter was found/.test(stderr)) {
      return { missing: "Deno found no adapter: install a Vulkan driver (Debian's mesa-vulkan-drivers, for instance)" };
    }
    throw new Error(`Deno ended with ${status}\n${stdout}${stderr}`);
  }
  return { version, adapter: line("adapter"), results: JSON.parse(results) };
}

function findDeno() {
  if (spawnSync("deno", ["--version"]).status === 0) return "deno";
  const folder = installed("deno", "2");
  if (folder === undefined) return undefined;
  // The package's own launcher copies the binary on its first start; the platform's package holds it.
  const platform = { "linux-x64": "linux-x64-glibc", "linux-arm64": "linux-arm64-glibc", "win32-x64": "win32-x64" };
  const key = `${process.platform}-${process.arch}`;
  const binary = join(folder, `../@deno/${platform[key] ?? key}/deno${process.platform === "win32" ? ".exe" : ""}`);
  return existsSync(binary) ? binary : undefined;
}

async function runInChromium() {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    return { missing: "no Chromium is installed (CHROMIUM_PATH names one elsewhere)" };
  }
  const folder = installed("playwright-core", "1");
  if (folder === undefined) return { missing: "the package playwright-core could not be installed" };
  const entry = pathToFileURL(createRequire(join(folder, "package.json")).resolve("playwright-core")).href;
  const playwright = await import(entry);
  const { chromium } = playwright.default ?? playwright;
  const server = await serve();
  const profile = mkdtempSync(join(tmpdir(), "cnnc-chromium-"));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [
        "--no-sandbox",
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    try {
      const page = context.pages()[0] ?? (await context.newPage());
      page.setDefaultTimeout(600_000);
      const origin = `http://localhost:${server.address().port}`;
      await page.goto(`${origin}/index.html`);
      const outcome = await page.evaluate(async () => (await import("/inBrowser.mjs")).check());
      const results = [
        ...outcome.results,
        ...(await checkWorkerPage(context, `${origin}/worker/index.html`)),
        ...(await checkBenchPage(context, root)),
      ];
      return { version: context.browser()?.version() ?? "", adapter: outcome.adapter, results };
    } finally {
      await context.close();
    }
  } finally {
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function findChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  const candidates = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ];
  return candidates.find((path) => existsSync(path));
}

/** The folder of an npm package that only this test needs, fetched at its first use. */
function installed(name, version) {
  const folder = join(tools, "node_modules", name);
  if (!existsSync(join(folder, "package.json"))) {
    mkdirSync(tools, { recursive: true });
    if (!existsSync(join(tools, "package.json"))) writeFileSync(join(tools, "package.json"), '{ "private": true }\n');
    console.log(`fetching ${name} from npm`);
    const words = ["install", "--no-audit", "--no-fund", "--ignore-scripts", `${name}@${version}`];
    spawnSync("npm", words, {
      cwd: tools,
      stdio: ["ignore", "ignore", "inherit"],
      shell: process.platform === "win32",
    });
  }
  return existsSync(join(folder, "package.json")) ? folder : undefined;
}

/** Serves the folder; WebGPU and modules need an http origin, and localhost counts as a secure one. */
function serve() {
  const types = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
  };
  const server = createServer((request, response) => {
    const name = new URL(request.url, "http://localhost").pathname.slice(1);
    const path = join(site, name);
    if (!path.startsWith(site) || !/^(worker\/)?\w[\w.-]*$/.test(name) || !existsSync(path)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": types[extname(name)] ?? "application/octet-stream" });
    response.end(readFileSync(path));
  });
  return new Promise((resolve) => server.listen(0, "localhost", () => resolve(server)));
}
