// Makes a checkout ready to use: the Node version, the dependencies, the build. Does nothing that is done already.
// Plain JavaScript on Node alone, since it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, "node_modules/.cnnc-setup");
/** What npm notes of the packages that it has installed. */
const installedFile = join(root, "node_modules/.package-lock.json");

export function heading(text) {
  console.log(`\n== ${text}`);
}

/** Runs a command in the project's folder with its output shown; true when it succeeds. */
export function run(command, args, options = {}) {
  const shell = process.platform === "win32" && command === "npm";
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", shell, ...options });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** Does the set-up; true when the checkout is ready. */
export function setUp() {
  return checkNode() && installDependencies() && run(process.execPath, [join(root, ".ci/build.mjs")]);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return true;
  console.error(`cnnc needs Node 20.19 or newer; this is ${process.versions.node}`);
  return false;
}

function installDependencies() {
  const stamp = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return true;
  if (!matchesLockfile()) {
    heading("Installing the dependencies");
    if (!install()) return false;
  }
  writeFileSync(stampFile, stamp);
  return true;
}

/**
 * Makes node_modules what package-lock.json says; true when it is. `npm ci` begins by emptying the folder, and leaves it empty where it
 * is interrupted: so a folder that is there already is put right by `npm install`, which touches only what differs.
 */
function install() {
  const mend = () => run("npm", ["install", "--no-save", "--no-audit", "--no-fund"]) && matchesLockfile();
  if (existsSync(installedFile) && mend()) return true;
  // Once more if it fails: a registry may be away for a moment.
  return run("npm", ["ci"]) || run("npm", ["ci"]);
}

/** Whether node_modules already holds what package-lock.json says, after an `npm install` by hand, for instance. */
function matchesLockfile() {
  if (!existsSync(installedFile)) return false;
  const { packages: wanted } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { packages: installed } = JSON.parse(readFileSync(installedFile, "utf8"));
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    if (installed[path] === undefined) return optional === true;
    // What npm noted may have been taken away since.
    return installed[path].version === version && existsSync(join(root, path, "package.json"));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !setUp()) process.exitCode = 1;
