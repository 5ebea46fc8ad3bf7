/** What a compilation tells before it is done: a thread that begins with it must have begun with the right things. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { compile } from "../../../compiler/compile.ts";
import type { CompileOptions } from "../../../compiler/compile.ts";
import { emitModule } from "../../../compiler/6-emit/emitModule.ts";
import type { DeclarationSource } from "../../../compiler/6-emit/moduleDeclarations.ts";
import { printDeclarations } from "../../../compiler/6-emit/printDeclarations.ts";

const root = join(import.meta.dirname, "../../..");

function readSource(path: string): string | undefined {
  return path.includes("specs") ? readFileSync(join(root, path), "utf8") : undefined;
}

test.each<readonly [string, CompileOptions]>([
  // It has plans for known adapters besides, whose kernels are others.
  ["lenet", {}],
  // Statistics, images of bytes in other sizes than the network's, a value besides the logits.
  ["resnet", { settings: { depth: "18" }, batch: 4 }],
  ["mnist_cnn", { inferenceOnly: true }],
])("of %s: the declarations that its module has, and every kernel of its own plan in order", async (name, options) => {
  const path = `specs/${name}.cnn`;
  const declared: DeclarationSource[] = [];
  const texts: string[] = [];
  const { network } = compile(
    { path, text: readSource(path) ?? "" },
    { ...options, readSource, onDeclared: (source) => void declared.push(source), onKernel: (wgsl) => void texts.push(wgsl) }, // prettier-ignore
  );
  if (network === undefined) throw new Error(`${path} has errors`);
  const printed: DeclarationSource[] = [];
  await emitModule(network, {
    language: "ts",
    print(source, language) {
      printed.push(source);
      return printDeclarations(source, language);
    },
  });
  expect(JSON.stringify(declared)).toBe(JSON.stringify(printed));
  const { kernels } = network.plan;
  expect(texts.length).toBeGreaterThan(3);
  expect(texts.map((text, index) => kernels[index]?.wgsl.endsWith(`\n\n${text}`))).toEqual(texts.map(() => true));
});
