/** The thread of `moduleInWorker`: loads what prints, packs kernels as they come, and answers what it is asked. */
import { parentPort } from "node:worker_threads";
import type { DeclarationSource } from "../6-emit/moduleDeclarations.ts";
import { createPacker } from "../6-emit/packTexts.ts";
import { printDeclarations } from "../6-emit/printDeclarations.ts";
import type { ModuleReply, ModuleRequest } from "./moduleInWorker.ts";

/** A module of no tensors: printing it loads everything, and the second module is printed in half the time. */
const smallest: DeclarationSource = {
  name: "Warm",
  doc: "",
  plan: { parameters: [], states: [], inputShape: [1], outputShape: [1], batch: 1 },
  sourceShape: [1],
  features: [],
};

const port = parentPort;
const packer = createPacker();
const answer = (reply: ModuleReply): void => port?.postMessage(reply);

port?.on("message", (request: ModuleRequest) => {
  if (request.kind === "text") packer.add(request.wgsl);
  else if (request.kind === "pack") {
    packer.keep(request.kept);
    request.more.forEach(packer.add);
    answer({ number: request.number, value: packer.packed() });
  } else {
    const { number, source, language } = request;
    void printDeclarations(source, language).then((value) => answer({ number, value }));
  }
});
await printDeclarations(smallest, "ts");
