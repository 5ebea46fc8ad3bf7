/** The page: what to measure, how far it is, and the tables; the measuring is worker.mjs's. */
/* global document, location, navigator, Worker, URLSearchParams, setInterval, clearInterval */
import { fastest, summarizeEntries } from "../statistics.ts";
import { tableCells } from "../table.ts";
import { listTasks, readOptions } from "./tasks.ts";

const byId = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const alertUser = (text) => {
  byId("problem").textContent = text;
  byId("problem").hidden = text === "";
};

class Stopped extends Error {}
/** Ends the worker that is at work; set while one is. */
let stopWorker;

/** What a worker of its own answers to one task. */
function inWorker(task) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("worker.js", { type: "module" });
    const end = (settle, value) => {
      stopWorker = undefined;
      worker.terminate();
      settle(value);
    };
    stopWorker = () => end(reject, new Stopped());
    worker.onmessage = ({ data }) =>
      "result" in data ? end(resolve, data.result) : end(reject, new Error(data.failure));
    worker.onerror = ({ message }) => end(reject, new Error(message || "the worker did not start"));
    worker.postMessage(task);
  });
}

function choices(option, names, chosen, describe) {
  const boxes = names.map((name) => {
    const box = make("input", { type: "checkbox", name: option, value: name, checked: chosen.includes(name) });
    return make("label", {}, box, ` ${name}`, make("small", { textContent: describe(name) }));
  });
  byId(option).append(...boxes);
}

function readChoices(options) {
  const chosen = (option) => [...document.querySelectorAll(`input[name=${option}]:checked`)].map(({ value }) => value);
  return { ...options, workloads: chosen("workload"), entries: chosen("entry"), programs: chosen("program") };
}

/** One table, rows with a bar of their time beside the slowest's. */
function renderTable(rows, program) {
  const [heading, ...cells] = tableCells(rows, { program, software: false });
  const slowest = Math.max(...rows.map(({ wallSeconds }) => wallSeconds.median));
  const time = heading.indexOf("wall s/step");
  const head = make("tr", {}, ...heading.map((text) => make("th", { textContent: text, scope: "col" })));
  const body = cells.map((row, index) => {
    const made = row.map((text, column) => make(column === 0 ? "th" : "td", { textContent: text }));
    made[time].style.setProperty("--share", rows[index].wallSeconds.median / slowest);
    made[time].className = "bar";
    if (rows[index].disagreement !== "") made.at(-1).className = "differs";
    return make("tr", {}, ...made);
  });
  return make("div", { className: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function show({ matmul, workloads }) {
  const rate = matmul === undefined ? "" : `best matrix product: ${(matmul.wallRate / 1e9).toFixed(1)} G multiply-adds a second (${matmul.variant})`; // prettier-ignore
  byId("matmul").textContent = rate;
  byId("results").replaceChildren(
    ...workloads.map(({ workload, program, batch, rows, failures }) =>
      make(
        "section",
        {},
        make("h2", {}, workload, make("small", { textContent: `${program}, batch ${batch}` })),
        ...(rows.length > 0 ? [renderTable(rows, program)] : []),
        ...Object.entries(failures).map(([entry, message]) =>
          make("p", { className: "failure", textContent: `${entry} failed: ${message}` }),
        ),
      ),
    ),
  );
}

/** Measures what is asked for; after each worker the tables show all that is known. */
async function measure(options, catalogue, adapter) {
  const tasks = listTasks(options);
  const progress = byId("progress");
  const begun = performance.now();
  const tell = (done, text) => {
    progress.max = tasks.length + 1;
    progress.value = done;
    byId("status").textContent = text;
  };
  tell(0, "multiplying matrices");
  const rates = await inWorker({ kind: "matmul" });
  const groups = new Map();
  const report = () => ({
    cnnc: catalogue.version,
    entries: catalogue.entries,
    measured: new Date().toISOString(),
    userAgent: navigator.userAgent,
    adapter: adapter.description,
    adapterInfo: adapter.info,
    software: adapter.software,
    options,
    matmul: fastest(rates, false),
    workloads: [...groups.values()].map(({ workload, program, runs, failures }) => {
      const { batch, multiplyAdds } = catalogue.workloads.find(({ name }) => name === workload);
      // Browsers tell no CPU time: wall-clock time counts on a software adapter, too.
      const rows = summarizeEntries(runs, { program, batch, multiplyAdds, rates, software: false });
      return { workload, program, batch, multiplyAdds, rows, failures: Object.fromEntries(failures) };
    }),
  });
  for (const [index, { round, workload, program, entry }] of tasks.entries()) {
    const key = `${workload} ${program}`;
    if (!groups.has(key)) {
      groups.set(key, {
        workload,
        program,
        runs: new Map(options.entries.map((each) => [each, []])),
        failures: new Map(),
      });
    }
    const { runs, failures } = groups.get(key);
    if (failures.has(entry)) continue;
    tell(
      index + 1,
      `${index + 1} of ${tasks.length}: ${workload}, ${program}, ${entry}${round > 0 ? `, round ${round + 1}` : ""}`,
    );
    const { steps, seconds } = options;
    try {
      runs.get(entry).push(await inWorker({ kind: "entry", workload, program, entry, steps, seconds }));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      failures.set(entry, error.message);
    }
    results = report();
    show(results);
  }
  tell(tasks.length + 1, `finished in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
}

/** What the button copies. */
let results;

async function start(options, catalogue, adapter) {
  alertUser("");
  if ([options.workloads, options.entries, options.programs].some((names) => names.length === 0)) {
    alertUser("Choose a workload, an entry and a program at least.");
    return;
  }
  byId("choices").disabled = byId("start").disabled = byId("copy").disabled = true;
  byId("stop").disabled = byId("running").hidden = false;
  const began = performance.now();
  const timer = setInterval(() => {
    byId("elapsed").textContent = `${((performance.now() - began) / 1000).toFixed(0)} s`;
  }, 1000);
  try {
    await measure(options, catalogue, adapter);
  } catch (error) {
    if (error instanceof Stopped) byId("status").textContent = "stopped";
    else alertUser(`The matrix product failed: ${error.message}`);
  }
  clearInterval(timer);
  byId("choices").disabled = byId("start").disabled = false;
  byId("stop").disabled = true;
  byId("copy").disabled = results === undefined;
}

async function copyResults() {
  const text = JSON.stringify(results, null, 2);
  try {
    await navigator.clipboard.writeText(text);
    byId("copied").textContent = "copied";
  } catch {
    // Some browsers refuse the clipboard: the text is there to be copied by hand.
    byId("json").hidden = false;
    byId("json").value = text;
    byId("json").select();
  }
}

async function open() {
  const response = await fetch("bench.json");
  if (!response.ok) throw new Error(`bench.json: ${response.status} ${response.statusText}`);
  const catalogue = await response.json();
  const options = readOptions(location.search, catalogue);
  choices("workload", catalogue.workloads.map(({ name }) => name), options.workloads, (name) => {
    const { batch, inputShape } = catalogue.workloads.find((each) => each.name === name);
    return `${inputShape.join("x")}, batch ${batch}`;
  }); // prettier-ignore
  choices("entry", catalogue.entries.map(({ name }) => name), options.entries, (name) =>
    catalogue.entries.find((each) => each.name === name).version); // prettier-ignore
  choices("program", catalogue.programs, options.programs, (name) =>
    name === "training" ? "a step on one batch" : "the outputs of one batch",
  );
  byId("adapter").textContent = "asking for the adapter";
  let adapter;
  try {
    adapter = await inWorker({ kind: "adapter" });
  } catch (error) {
    byId("adapter").textContent = "none";
    throw error;
  }
  byId("adapter").textContent = adapter.description;
  byId("start").disabled = false;
  const begin = () => start(readChoices(options), catalogue, adapter);
  byId("start").onclick = begin;
  byId("stop").onclick = () => stopWorker?.();
  byId("copy").onclick = copyResults;
  if (new URLSearchParams(location.search).has("start")) await begin();
}

open().catch((error) => alertUser(error.message));
