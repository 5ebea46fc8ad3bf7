// The page of `npm run bench:browser` in a browser: LeNet by cnnc alone, a few steps, trained and predicted.
/* global document */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { serveFolder } from "../../bench/browser/serve.mjs";

/** Results in the manner of checkLenet.mjs. */
export async function checkBenchPage(context, root) {
  const folder = join(root, "out/portable/bench");
  const words = [
    join(root, "bench/browser/run.mjs"),
    "--build",
    "--workload",
    "lenet",
    "--entry",
    "cnnc",
    "--out",
    folder,
  ];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the page of benchmarks was not built: ${stderr}`);
  const server = await serveFolder(folder, 0);
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  try {
    const origin = `http://localhost:${server.address().port}`;
    page.on("request", (request) => {
      if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(`${origin}/`))
        problems.push(request.url());
    });
    await page.goto(`${origin}/?program=all&rounds=1&steps=2&start`);
    await page.waitForFunction(() => {
      const { textContent } = document.getElementById("status");
      return textContent.startsWith("finished") || !document.getElementById("problem").hidden;
    });
    const found = await page.evaluate(() => ({
      problem: document.getElementById("problem").textContent,
      adapter: document.getElementById("adapter").textContent,
      tables: [...document.querySelectorAll("section")].map((section) =>
        [...section.querySelectorAll("tr")].map((row) => [...row.children].map((cell) => cell.textContent)),
      ),
      failures: [...document.querySelectorAll(".failure")].map(({ textContent }) => textContent),
      canCopy: !document.getElementById("copy").disabled,
    }));
    problems.push(...[found.problem, ...found.failures].filter((text) => text !== ""));
    for (const problem of problems) console.error(problem);
    const rows = found.tables.map(([heading, row = []]) => new Map(heading.map((name, index) => [name, row[index]])));
    const bad = rows.filter((row) => row.get("entry") !== "cnnc" || !(Number(row.get("wall s/step")) > 0));
    const result = (quantity, error) => ({ name: "bench page", quantity, error, tolerance: 0, passed: error === 0 });
    return [
      result("tables missing", Math.abs(2 - rows.length)),
      result("rows without a time", bad.length),
      result(
        "outcomes that differ",
        rows.filter((row) => (row.get("losses") ?? row.get("outputs")) !== "agree").length,
      ),
      result("waits of a training step", Number(rows[0]?.get("waits") ?? NaN)),
      result("no adapter, or nothing to copy", found.adapter !== "" && found.canCopy ? 0 : 1),
      result("errors, and requests to elsewhere", problems.length),
    ];
  } finally {
    await page.close();
    server.close();
  }
}
