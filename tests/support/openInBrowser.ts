/**
 * A page in a headless Chromium, asked over the DevTools protocol's pipe. The Chromium is that of @sparticuz/chromium, which a
 * clean checkout has on Linux x64, or else an installed one.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Duplex, Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { findSwiftShaderArchive, readTar } from "../../compiler/node/swiftshader.ts";

export interface BrowserPage {
  /** The value of an expression in the page, which JSON can carry. */
  evaluate<T>(expression: string): Promise<T>;
  /** Sets the width of the window in CSS pixels, and whether it is a phone's. */
  resize(width: number, isPhone: boolean): Promise<void>;
  /** What the console showed as warnings or errors, exceptions, and what the browser itself complained of. */
  readonly problems: readonly string[];
  /** Everything that the page asked for, the page itself included. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

const flags = [
  "--headless=shell", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
]; // prettier-ignore

/** Opens a file once it has loaded; throws where no Chromium starts, and says how to get one. */
export async function openInBrowser(path: string): Promise<BrowserPage> {
  const { connection, profile } = await startBrowser();
  const [problems, requests]: [string[], string[]] = [[], []];
  let loaded: () => void = () => undefined;
  const isLoaded = new Promise<void>((resolve) => (loaded = resolve));
  connection.onEvent = ({ method, params = {} }) => {
    if (method === "Page.loadEventFired") loaded();
    if (method === "Network.requestWillBeSent") requests.push((params["request"] as { readonly url: string }).url);
    const isBadCall = method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(String(params["type"])); // prettier-ignore
    if (isBadCall || method === "Runtime.exceptionThrown" || method === "Log.entryAdded") problems.push(JSON.stringify(params)); // prettier-ignore
  };
  const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await connection.send("Target.attachToTarget", { targetId, flatten: true });
  const send: Connection["send"] = (method, params = {}) => connection.send(method, params, sessionId as string);
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url: pathToFileURL(path).href });
  await isLoaded;
  return {
    problems,
    requests,
    evaluate: async <T>(expression: string) => {
      const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, returnByValue: true });
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { readonly value: T }).value;
    },
    resize: async (width, mobile) => {
      await send("Emulation.setDeviceMetricsOverride", { width, height: 800, deviceScaleFactor: 1, mobile });
    },
    close: async () => {
      await connection.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Connection {
  send(method: string, params?: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>>;
  onEvent: (message: Message) => void;
  close(): Promise<void>;
}

async function startBrowser(): Promise<{ readonly connection: Connection; readonly profile: string }> {
  const profile = mkdtempSync(join(tmpdir(), "cnnc-browser-"));
  const failures: string[] = [];
  for (const { path, env } of browsers()) {
    const child = spawn(path, [...flags, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, HOME: profile, ...env },
    });
    const connection = connect(child);
    try {
      await connection.send("Browser.getVersion");
      return { connection, profile };
    } catch (error) {
      failures.push(`${path}: ${(error as Error).message}`);
    }
  }
  rmSync(profile, { recursive: true, force: true });
  throw new Error(
    `no Chromium starts here; install one (Debian: apt-get install chromium) or, on Linux x64, @sparticuz/chromium with npm. ${failures.join("; ")}`,
  );
}

/** Messages end in a zero byte, on file descriptors 3 and 4. */
function connect(child: ChildProcess): Connection {
  const [, , stderr, input, output] = child.stdio as unknown as [null, null, Readable, Writable, Duplex];
  const waiting = new Map<number, { resolve: (result: Readonly<Record<string, unknown>>) => void; reject: (error: Error) => void }>(); // prettier-ignore
  let [unread, complaints, count, ended] = ["", "", 0, ""];
  const end = (reason: string): void => {
    ended ||= reason;
    for (const { reject } of waiting.values()) reject(new Error(ended));
    waiting.clear();
  };
  const connection: Connection = {
    onEvent: () => undefined,
    send: (method, params = {}, sessionId = undefined) =>
      new Promise((resolve, reject) => {
        if (ended !== "") {
          reject(new Error(ended));
          return;
        }
        const id = ++count;
        waiting.set(id, { resolve, reject });
        input.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`);
      }),
    close: async () => {
      if (ended !== "") return;
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
  child.once("error", (error) => end(error.message));
  child.once("close", (code) => end(`it ended with ${code ?? "a signal"}: ${complaints.slice(-500)}`));
  input.on("error", (error) => end(error.message));
  stderr.on("data", (data: Buffer) => (complaints += data.toString()));
  output.setEncoding("utf8").on("data", (text: string) => {
    const messages = (unread + text).split("\0");
    unread = messages.pop() ?? "";
    for (const message of messages.map((part) => JSON.parse(part) as Message)) {
      const asked = message.id === undefined ? undefined : waiting.get(message.id);
      if (message.id === undefined) connection.onEvent(message);
      else waiting.delete(message.id);
      if (message.error !== undefined) asked?.reject(new Error(message.error.message));
      else asked?.resolve(message.result ?? {});
    }
  });
  return connection;
}

interface Browser {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Those that may be there, the package's first. */
function* browsers(): Generator<Browser> {
  const beside = findSwiftShaderArchive();
  if (beside !== undefined) {
    const folder = unpackedChromium(dirname(beside));
    yield { path: join(folder, "chromium"), env: { LD_LIBRARY_PATH: join(folder, "lib") } };
  }
  const names = ["chromium", "chromium-browser", "google-chrome", "chrome", "chrome.exe"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
  for (const path of [...folders.flatMap((folder) => names.map((name) => join(folder, name))), mac]) {
    if (existsSync(path)) yield { path, env: {} };
  }
}

/** The Chromium in the package's `bin`, with the libraries that a bare system lacks, unpacked into the user's cache once. */
function unpackedChromium(bin: string): string {
  const [chromium, libraries] = ["chromium.br", "al2023.tar.br"].map((name) => readFileSync(join(bin, name)));
  if (chromium === undefined || libraries === undefined) throw new Error(`${bin} holds no Chromium`);
  const name = `chromium-${createHash("sha256").update(chromium).digest("hex").slice(0, 16)}`;
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "cnnc");
  const folder = join(cache, name);
  if (existsSync(join(folder, "chromium"))) return folder;
  mkdirSync(cache, { recursive: true });
  const unpacked = mkdtempSync(`${folder}-`);
  mkdirSync(join(unpacked, "lib"));
  for (const [file, content] of readTar(brotliDecompressSync(libraries))) {
    writeFileSync(join(unpacked, "lib", file), content, { mode: 0o755 });
  }
  writeFileSync(join(unpacked, "chromium"), brotliDecompressSync(chromium), { mode: 0o755 });
  try {
    renameSync(unpacked, folder);
    return folder;
  } catch {
    // Another process was first, or there is no room for a rename.
    if (!existsSync(join(folder, "chromium"))) return unpacked;
    rmSync(unpacked, { recursive: true, force: true });
    return folder;
  }
}
