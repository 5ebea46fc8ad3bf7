// Asks the generator whether the generated files are up to date; there is none before compiler/generate.ts is written.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./setup.mjs";

if (!existsSync(join(root, "compiler/generate.ts"))) console.log("nothing is generated yet");
else if (!run(process.execPath, ["dist/compiler/generate.js", "--check"])) process.exitCode = 1;
