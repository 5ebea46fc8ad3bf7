// The page's side: what run.mjs calls in Chromium.
/* global navigator */
import { checkLenet } from "./checkLenet.mjs";
import { parseSafetensors } from "./cnnc-runtime.js";
import { createLeNet } from "./lenet.js";

export async function check() {
  const read = async (name) => {
    const response = await fetch(name);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  const adapter = await navigator.gpu?.requestAdapter();
  const { vendor, architecture, device, description } = adapter?.info ?? {};
  return {
    adapter: [vendor, architecture, device, description].filter(Boolean).join(" "),
    results: await checkLenet({ createLeNet, parseSafetensors, read }),
  };
}
