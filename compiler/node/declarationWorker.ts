/** The thread of `printInWorker`: loads what prints, then prints what it is sent and ends. */
import { parentPort } from "node:worker_threads";
import type { DeclarationSource } from "../6-emit/moduleDeclarations.ts";
import { printDeclarations } from "../6-emit/printDeclarations.ts";
import type { PrintRequest } from "./printInWorker.ts";

/** A module of no tensors: printing it loads everything, and the second module is printed in half the time. */
const smallest: DeclarationSource = {
  name: "Warm",
  doc: "",
  peakBytes: { inference: 0 },
  plan: { parameters: [], states: [], inputShape: [1], outputShape: [1], batch: 1 },
  sourceShape: [1],
  features: [],
};

const port = parentPort;
port?.once("message", ({ source, language }: PrintRequest) => {
  void printDeclarations(source, language).then((printed) => {
    port.postMessage(printed);
    port.close();
  });
});
await printDeclarations(smallest, "ts");
