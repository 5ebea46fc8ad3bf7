// The page of docs/examples/worker in a browser: it trains in a worker while the page answers, and goes on after a reload.
/* global document, PerformanceObserver, setInterval, clearInterval, window */

/** Milliseconds that one task of the page may take, and the median wait of a timer that is due every 10. */
const [longestTask, medianWait] = [200, 50];

/** Results in the manner of checkLenet.mjs. */
export async function checkWorkerPage(context, address) {
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  const results = [];
  const report = (quantity, error, tolerance) =>
    results.push({ name: "worker page", quantity, error, tolerance, passed: error <= tolerance });
  const status = (pattern) =>
    page.waitForFunction(
      (source) => new RegExp(source).exec(document.getElementById("status").textContent)?.[1],
      pattern,
    );
  const value = async (handle) => Number(await (await handle).jsonValue());

  await page.goto(`${address}?epochs=3`);
  await status("^(ready)$");
  await page.evaluate(() => {
    window.longest = 0;
    window.waits = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ entryTypes: ["longtask"] });
    let before = performance.now();
    window.timer = setInterval(() => {
      window.waits.push(performance.now() - before);
      before = performance.now();
    }, 10);
  });
  await page.click("#train");
  await status("^training; .* after epoch (1)$");
  await page.click("#pause");
  const paused = await value(status("^paused after step (\\d+)$"));
  // Nothing moves while it is paused, and the page has been told of every step before.
  await page.waitForTimeout(300);
  const shown = await page.textContent("#progress");
  const [, epoch, step] = /^epoch (\d+)\/3, step (\d+)\/48/.exec(shown) ?? [];
  report("steps that were told when paused", Math.abs((epoch - 1) * 48 + Number(step) - paused), 0);
  const { longest, waits } = await page.evaluate(() => {
    clearInterval(window.timer);
    return { longest: window.longest, waits: window.waits };
  });
  report("milliseconds of the page's longest task", longest, longestTask);
  report("milliseconds of a 10 ms timer", waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)], medianWait);

  await page.click("#train");
  await page.click("#stop");
  const stopped = await value(status("^stopped after step (\\d+)$"));
  // A new page, worker and device go on from what IndexedDB holds.
  await page.reload();
  await status("^(ready to go on)$");
  await page.click("#train");
  const finished = await value(status("^finished after step (\\d+)$"));
  report("steps of both parts", Math.abs(finished - 3 * 48), stopped > 0 && stopped < 3 * 48 ? 0 : -1);
  // Right, down and left of the middle.
  for (const [hour, x, y] of [
    [3, 150, 84],
    [6, 84, 150],
    [9, 18, 84],
  ]) {
    await page.click("#clock", { position: { x, y } });
    const answered = page.waitForFunction(
      (text) => document.getElementById("answer").value === text,
      `${hour} o'clock`,
      { timeout: 10_000 },
    );
    report(`clock at ${hour}`, await answered.then(() => 0, () => NaN), 0); // prettier-ignore
  }
  await page.click("#forget");
  await status("^(ready)$");
  report("errors in the console", problems.length, 0);
  for (const problem of problems) console.error(problem);
  await page.close();
  return results;
}
