/** Threads that fail: what they were to do is done here. */
import { Worker } from "node:worker_threads";
import { expect, test } from "@jest/globals";
import type { DeclarationSource } from "../../../compiler/6-emit/moduleDeclarations.ts";
import { packKernels } from "../../../compiler/6-emit/packTexts.ts";
import { printDeclarations } from "../../../compiler/6-emit/printDeclarations.ts";
import { moduleInWorker } from "../../../compiler/node/moduleInWorker.ts";

const source: DeclarationSource = {
  name: "Tiny",
  doc: "",
  plan: {
    parameters: [{ name: "linear1.weight", shape: [2, 3] }],
    states: [],
    inputShape: [3],
    outputShape: [2],
    batch: 1,
  },
  sourceShape: [3],
  features: [],
};
const texts = ["// a, used by:\n// a\n\nlet s0 = a[1];", "// b, used by:\n// b\n\nlet s0 = a[2];"];

test("a thread that has ended before it is asked", async () => {
  const worker = new Worker("throw new Error('no')", { eval: true });
  const { print, pack, onDeclared, onKernel } = moduleInWorker("ts", worker);
  onDeclared?.(source);
  onKernel?.("let s0 = a[1];");
  await new Promise((resolve) => worker.once("exit", resolve));
  expect(await pack(texts)).toEqual(packKernels(texts));
  expect(await print(source, "ts")).toEqual(await printDeclarations(source, "ts"));
});

test("a thread that ends while it is waited for", async () => {
  const worker = new Worker("require('node:worker_threads').parentPort.once('message', () => process.exit())", {
    eval: true,
  });
  const { pack } = moduleInWorker("ts", worker);
  expect(await pack(texts)).toEqual(packKernels(texts));
});

test("a thread that knows the texts is sent none again, and one that knows others is sent all", async () => {
  const echo = "const { parentPort } = require('node:worker_threads');"
    + "parentPort.on('message', (request) => { if (request.kind === 'pack') parentPort.postMessage({ number: request.number, value: request }) });"; // prettier-ignore
  const worker = new Worker(echo, { eval: true });
  const { pack, onKernel } = moduleInWorker("ts", worker);
  onKernel?.("let s0 = a[1];");
  expect(await pack(texts)).toMatchObject({ kept: 1, more: texts.slice(1) });
  onKernel?.("let s0 = b[9];");
  expect(await pack(texts)).toMatchObject({ kept: 0, more: texts });
  await worker.terminate();
});
