/** `cnnc report` of a LeNet run on an adapter, opened in a headless Chromium. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { smallDataset } from "../support/idxFile.ts";
import { pngFile } from "../support/imageFiles.ts";
import { openInBrowser, type BrowserPage } from "../support/openInBrowser.ts";
import { runCnnc, type CliResult } from "../support/runCnnc.ts";
import { temporaryFolder, writeInto } from "../support/temporaryFolder.ts";

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder({ "shoe.png": pngFile(28, 28, (x, y) => [x * 9, x * 9, y * 9]) });
writeInto(join(folder, "images"), smallDataset(96, 30));
copyFileSync(join(root, "specs/lenet.cnn"), join(folder, "lenet.cnn"));
const run = join(folder, "run");

const report = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
  runCnnc(["report", ...args], { cwd: folder, env });

let page: BrowserPage | undefined;
beforeAll(async () => {
  const { code, error } = await runCnnc(
    ["train", "lenet.cnn", "--recipe", "quick", "--data", "images", "--epochs", "2", "--batch", "16", "--out", "run"],
    { cwd: folder },
  );
  expect([code, error.includes("error:")]).toEqual([0, false]);
});
afterAll(async () => {
  await page?.close();
});

test("the page has every part, says nothing on the console and asks for nothing but itself", async () => {
  const { code, out, error } = await report(["run", "--image", "shoe.png", "--value", "conv2"]);
  expect([code, error.includes("left out")]).toEqual([0, false]);
  expect(out).toMatch(/^run\/report\.html \(\d+\.\d kB\)/);
  const path = join(run, "report.html");
  page = await openInBrowser(path);
  const count = (selector: string): Promise<number> =>
    (page as BrowserPage).evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
  const sections = ["curves", "confusion", "mistakes", "filters", "feature-maps", "graph", "summary"];
  for (const id of sections) expect([id, await count(`section#${id} h2`)]).toEqual([id, 1]);
  expect(await count(".absent")).toBe(0);
  expect(await page.evaluate("document.querySelector('#facts .best').textContent")).toMatch(/\d+\.\d\s%/);
  for (const chart of ["loss", "accuracy", "rate"]) {
    expect([chart, await count(`#${chart} svg[role=img] path.line`)]).not.toEqual([chart, 0]);
    expect(await count(`#${chart} svg[role=img] > title`)).toBe(1);
  }
  // A dot for each epoch, and one in the legend.
  expect(await count("#loss circle.test")).toBe(3);
  expect(await count("#confusion tbody tr")).toBe(10);
  const confusion = await page.evaluate<number>(
    "[...document.querySelectorAll('#confusion tbody td:not(.figure)')].reduce((sum, cell) => sum + Number(cell.textContent), 0)",
  );
  expect(confusion).toBe(30);
  const right = await page.evaluate<number>(
    "[...document.querySelectorAll('#confusion td.hit')].reduce((sum, cell) => sum + Number(cell.textContent), 0)",
  );
  expect(await count("#mistakes li img")).toBe(Math.min(24, 30 - right));
  expect(await count("#filters li img")).toBe(6);
  expect(await count("#feature-maps li img")).toBe(16);
  expect(await page.evaluate("document.querySelector('#feature-maps .shown').textContent")).toContain("hoe.png");
  expect(await count("#graph svg .box")).toBe(6);
  expect(await count("#graph svg path.edge")).toBe(5);
  expect(await page.evaluate("document.querySelector('#summary tfoot').textContent")).toContain("61,706");
  // Every picture decodes.
  expect(await page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")).toBe(
    true,
  );
  await page.resize(360, true);
  expect(await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).toBe(
    true,
  );
  expect(page.problems).toEqual([]);
  expect(page.requests.filter((url) => !url.startsWith("data:"))).toEqual([expect.stringMatching(/^file:.*\/report\.html$/)]); // prettier-ignore
});

test("a run that is still written is shown as far as it is complete, also where there is no adapter", async () => {
  const early = join(folder, "early & <new>");
  mkdirSync(join(early, "checkpoints"), { recursive: true });
  for (const file of ["run.json", "checkpoints/step-00000012.safetensors"]) copyFileSync(join(run, file), join(early, file)); // prettier-ignore
  // Cut off in the middle of a line, before the first epoch's end.
  const lines = readFileSync(join(run, "log.jsonl"), "utf8").split("\n");
  const until = lines.findIndex((line) => line.includes("testLoss"));
  writeFileSync(join(early, "log.jsonl"), `${lines.slice(0, until).join("\n")}\n{"kind":"st`);
  const { code, out } = await report(["early & <new>", "-o", "page.html", "--json"], { CNNC_ADAPTER: "none" });
  const { absent } = JSON.parse(out) as { absent: Readonly<Record<string, string>> };
  expect([code, Object.keys(absent).sort()]).toEqual([0, ["evaluation", "featureMaps"]]);
  expect(absent["evaluation"]).toContain("CNNC_ADAPTER");
  const html = readFileSync(join(folder, "page.html"), "utf8");
  expect(html).toContain("Not ended");
  expect(html).toContain("the checkpoint after step 12");
});

test("a directory that holds no run is an error", async () => {
  const { code, error } = await report(["images"]);
  expect([code, error]).toEqual([1, expect.stringMatching(/cannot read images\/run\.json: there is no such file/)]);
});
