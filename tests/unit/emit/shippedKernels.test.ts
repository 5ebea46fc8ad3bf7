/**
 * Every distinct kernel of every network that ships: Dawn accepts its text, and what the text declares is what the plan
 * binds. Needs no adapter.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { builtinUniforms } from "../../../compiler/6-emit/uniforms.ts";
import { verifyMemory } from "../../../compiler/ir/memory.ts";
import { compileText } from "../../support/compileText.ts";
import { dispatchesOf, planProblems, plansIn } from "../../support/planProblems.ts";
import { reflectKernel } from "../../support/reflectBindings.ts";
import { openWgslValidator } from "../../support/validateWgsl.ts";
import type { WgslValidator } from "../../support/validateWgsl.ts";

const root = join(import.meta.dirname, "../../..");
const specs = readdirSync(join(root, "specs")).filter((file) => file.endsWith(".cnn"));
/** Networks small enough to be compiled for an adapter of many lanes too, whose kernels are longer. */
const forGpu = ["lenet.cnn", "mnist_cnn.cnn", "residual_net.cnn"];

let validator: WgslValidator;
beforeAll(async () => {
  validator = await openWgslValidator(["subgroups"]);
});
afterAll(() => {
  validator.destroy();
});

test("the validator finds mistakes", async () => {
  const found = await validator.problemsOf(
    "wrong",
    "@compute @workgroup_size(64)\nfn main() {\n  let x: i32 = 1.5;\n}\n",
  );
  expect(found[0]).toMatch(/^wrong:3:/);
  const binding = (at: number): string => `@group(0) @binding(${at}) var<storage, read_write> b${at}: array<f32, 4>;`;
  const nine = Array.from({ length: 9 }, (_, at) => at + 1);
  const text = `${nine.map(binding).join("\n")}\n@compute @workgroup_size(1)\nfn main() {\n${nine.map((at) => `  b${at}[0] = 1.0;`).join("\n")}\n}\n`;
  expect(await validator.problemsOf("nine", text)).not.toEqual([]);
});

describe.each([
  ["cpu", specs],
  ["gpu", forGpu],
] as const)("for a %s", (adapterClass, files) => {
  test.each(files)(
    "%s",
    async (file) => {
      const text = readFileSync(join(root, "specs", file), "utf8");
      const readSource = (path: string): string | undefined => {
        const at = join(root, path);
        return existsSync(at) ? readFileSync(at, "utf8") : undefined;
      };
      const network = compileText(text, { readSource, batch: 3, adapterClass }, `specs/${file}`);
      const { plan } = network;
      verifyMemory(network.training.memory);
      verifyMemory(network.inference.memory);
      const texts = plan.kernels.map(({ wgsl }) => wgsl);
      expect(new Set(texts).size).toBe(texts.length);
      expect(new Set(plan.kernels.map(({ name }) => name)).size).toBe(texts.length);
      const names = plan.uniforms.map(({ name }) => name);
      expect(names.slice(0, builtinUniforms.length)).toEqual(builtinUniforms.map(({ name }) => name));

      const used = new Set<number>();
      const declared = plan.kernels.map(({ wgsl }) => reflectKernel(wgsl));
      for (const each of plansIn(plan)) {
        expect(planProblems(each)).toEqual([]);
        // Another adapter's plan takes no other memory: what `cnnc summary` says holds for all.
        expect(each.buffers).toEqual(plan.buffers);
        for (const { kernel, bindings, label } of dispatchesOf(each)) {
          used.add(kernel);
          const bound = bindings.map(({ writes, size }, at) => ({ binding: at + 1, writes, sizeBytes: size }));
          expect({ label, bindings: bound }).toEqual({ label, bindings: declared[kernel]?.bindings });
        }
      }
      expect(used.size).toBe(plan.kernels.length);
      for (const [index, { name, wgsl, workgroupSize }] of plan.kernels.entries()) {
        expect(await validator.problemsOf(name, wgsl)).toEqual([]);
        // Each `&&` is a branch: some dozens in a loop keep a software adapter's compiler busy for minutes.
        expect(wgsl.split("\n").filter((line) => line.includes("&&") && !line.includes("if ("))).toEqual([]);
        expect(declared[index]?.workgroupSize).toBe(workgroupSize);
      }
    },
    120_000,
  );
});
