// Deno's side: `deno run --unstable-webgpu --allow-read inDeno.mjs`, in the folder that run.mjs prepared.
/* global Deno, navigator */
import { checkLenet } from "./checkLenet.mjs";
import { checkTraining } from "./checkTraining.mjs";
import * as app from "./cnnc-app.js";
import { parseSafetensors } from "./cnnc-runtime.js";
import { createLeNet } from "./lenet.js";

const read = (name) => Deno.readFile(new URL(name, import.meta.url));
const adapter = await navigator.gpu?.requestAdapter();
const info = adapter?.info ?? {};
console.log(`adapter ${[info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(" ")}`);
const results = [
  ...(await checkLenet({ createLeNet, parseSafetensors, read })),
  ...(await checkTraining({ createLeNet, app })),
];
console.log(`results ${JSON.stringify(results)}`);
// A device keeps Deno's event loop alive.
Deno.exit(0);
