/** Each part of the report's page, from data made by hand. */
import { PNG } from "pngjs";
import { expect, test } from "@jest/globals";
import { summarizeGraph } from "../../../compiler/commands/summarize.ts";
import { diagramOf } from "../../../compiler/report/diagram.ts";
import { markup } from "../../../compiler/report/markup.ts";
import { reportPage } from "../../../compiler/report/page.ts";
import { greyPicture, pictureAddress, rgbPicture, signedPicture } from "../../../compiler/report/picture.ts";
import { readCurves } from "../../../compiler/report/readCurves.ts";
import type { Absent, ReportData } from "../../../compiler/report/reportData.ts";
import { runFacts } from "../../../compiler/report/runFacts.ts";
import type { RunDescription } from "../../../compiler/training/runFiles.ts";
import { isEpoch, type LogEntry } from "../../../compiler/training/trainingLog.ts";
import { checkCleanly } from "../../support/checkText.ts";

const evil = `<script>alert("x")</script> & 'co'`;

const run: RunDescription = {
  format: 1,
  model: "Net",
  recipe: "",
  settings: { classes: "3" },
  file: evil,
  sources: [],
  parameters: 12345,
  batch: 8,
  accumulate: 1,
  epochs: 3,
  seed: 7,
  optimizer: { name: "sgd", args: { lr: 0.1, momentum: 0, nesterov: false } },
  schedule: { name: "step", args: { every: 2 } },
  loss: { kind: "cross_entropy", labelSmoothing: 0 },
  init: { name: "pytorch", args: {} },
  data: { source: { kind: "named", name: "mnist" }, augment: [] },
  dataDirectory: null,
  dataset: { description: evil, trainImages: 16, testImages: 4, classNames: [evil, "b", "c"] },
  module: "net.ts",
  adapter: "an adapter",
  started: "2026-01-02T03:04:05.678Z",
};

const log: readonly LogEntry[] = [
  { kind: "start", step: 0, epoch: 0, time: "2026-01-02T03:04:05.000Z", adapter: "an adapter" },
  ...[1, 2, 3, 4].flatMap((step): LogEntry[] => {
    const epoch = Math.ceil(step / 2);
    const done = { trainLoss: 1, trainAccuracy: 0.5, testLoss: 2 / step, testAccuracy: 0.2 * step, seconds: 61, imagesPerSecond: 1234.5 }; // prettier-ignore
    return [
      { kind: "step", step, epoch, rate: step < 3 ? 0.1 : 0.001, loss: 4 / step, accuracy: step / 5 },
      ...(step % 2 === 0 ? [{ kind: "epoch", step, epoch, ...done } as const] : []),
    ];
  }),
];

const spec = `block res() { add { branch { conv(4, kernel: 3, padding: 1) -> relu }  branch { } } }
model Net {
  input 3 x 8 x 8
  conv(4, kernel: 3, padding: 1) -> batch_norm -> relu
  res
  max_pool(2)
  flatten
  linear(3)
}`;

const { graph, settings } = checkCleanly(spec, { warn: false });
const picture = { width: 2, height: 1, channels: 1, pixels: Uint8Array.of(0, 255) } as const;
const absent: Absent = { absent: `because of ${evil}` };

const data: ReportData = {
  facts: runFacts(run, log),
  curves: readCurves(log),
  evaluation: {
    weights: evil,
    classNames: [evil, "b", "c"],
    evaluation: {
      loss: 0.5,
      correct: 2,
      count: 4,
      correctInTop5: undefined,
      confusion: [Uint32Array.of(1, 1, 0), Uint32Array.of(0, 1, 0), Uint32Array.of(1, 0, 0)],
    },
    mistakes: [{ image: 3, picture, loss: 9.21, label: { name: evil, probability: 0.0001 }, predicted: { name: "b", probability: 0.987 } }], // prettier-ignore
  },
  filters: { weights: "w", layer: evil, op: "conv", count: 5, channels: 3, height: 2, width: 2, filters: [new Float32Array(12).fill(-1)] }, // prettier-ignore
  featureMaps: {
    image: evil,
    picture,
    weights: "w",
    predicted: [{ name: evil, probability: 0.5 }],
    layers: [{ name: evil, channels: 40, height: 1, width: 2, maps: [Float32Array.of(0, 1), Float32Array.of(-1, 1)] }],
  },
  diagram: diagramOf(graph),
  summary: {
    layers: summarizeGraph(graph, settings),
    blocks: summarizeGraph(graph, settings, 1),
    memory: { batch: 8, parameters: 100, activations: 2000, trainingPeak: 3_000_000, inferencePeak: 400, inference: { parameters: 0, statistics: 0, optimizer: 0, gradients: 0, values: 0, metrics: 0, tables: 0, uniforms: 0, readback: 0 } }, // prettier-ignore
  },
};

/** The markup of one section, without the spaces around tags. */
function section(page: string, id: string): string {
  return (
    new RegExp(`<(section|header) id="${id}">[^]*?</\\1>`)
      .exec(page)?.[0]
      .replace(/\s*(<[^>]*>)\s*/g, "$1")
      .replaceAll("\u00a0", " ") ?? ""
  );
}

const page = reportPage(data);

test("the page is the same for the same data, runs no script, names no address, and escapes every name", () => {
  expect(reportPage(data)).toBe(page);
  expect(page).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
  expect(page).not.toMatch(/<script|https?:|src="(?!data:)|url\((?!#)|@import| on\w+="/);
  expect(page).not.toContain(evil);
  expect(page.split("&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62; &#38; &#39;co&#39;").length).toBeGreaterThan(
    12,
  );
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id);
});

test("markup is escaped once, and what no page may hold is replaced", () => {
  expect(markup`<b title="${'"<'}">${markup`<i>${"a&b"}</i>`}${[markup`1`, markup`2`]}${3}</b>`.html).toBe(
    '<b title="&#34;&#60;"><i>a&#38;b</i>123</b>',
  );
  expect(markup`${"\u0000x\uffff\n"}`.html).toBe("\ufffdx\ufffd\n");
});

test("the facts say what was run, how it stands and what is best", () => {
  const facts = section(page, "facts");
  for (const text of ["80.0 %", "after epoch 2", "Not ended", "sgd(lr: 0.1)", "step(every: 2)", "2026-01-02 03:04:05 UTC", "2 of 3 epochs, 4 steps", "2:02 (2 epochs)", "1,235 images/s", "12,345", "Net (classes = 3)"]) expect(facts).toContain(text); // prettier-ignore
  const ended = (entry: Partial<LogEntry>): string => {
    const last = { step: 4, epoch: 2, time: "2026-01-02T03:05:06.000Z", ...entry } as LogEntry;
    return runFacts(run, [...log, last]).status;
  };
  expect(ended({ kind: "end", outcome: "finished" })).toBe("Finished after 2 epochs.");
  expect(ended({ kind: "end", outcome: "interrupted" })).toContain("--resume");
  expect(ended({ kind: "failed", message: "a loss was NaN", layer: null })).toBe("Stopped: a loss was NaN.");
  const early = log.slice(0, 2);
  expect(reportPage({ ...data, facts: runFacts(run, early), curves: readCurves(early) })).toContain("<strong>50.0\u00a0%</strong>"); // prettier-ignore
});

test("the facts have every line of the recipe, changes, and notes and damaged pictures one a line", () => {
  const whole: RunDescription = {
    ...{ ...run, accumulate: 2, clipNorm: 1.5, earlyStopPatience: 4, precision: "f16", memory: { share: 0.5 } },
    freeze: ["conv1.weight", "conv1.bias"],
    loss: { kind: "cross_entropy", labelSmoothing: 0.1, classWeights: [1, 2, 3] },
    data: {
      source: { kind: "images", directory: "shoes" },
      ...{ resize: [96, 64], normalize: { mean: [0.5], std: [0.1, 0.2, 0.3] }, subtract: "mean_image" },
      augment: [
        { name: "random_flip", args: { p: 0.5 } },
        { name: "random_crop", args: { size: [0, 0], padding: [4, 2] } },
        { name: "color_jitter", args: { brightness: 0.2, contrast: 0 } },
      ],
    },
    dataset: {
      ...run.dataset,
      description: "shoes: 4 images\n2 files were skipped:\n  a.png: empty\n  b.png: cut off",
    },
  };
  const skipped = Array.from({ length: 7 }, (_, i): LogEntry => ({ kind: "skipped", step: 1, epoch: 1, message: `${i}.png: bad` })); // prettier-ignore
  const again: LogEntry = {
    kind: "start",
    step: 4,
    epoch: 2,
    time: "2026-01-04T03:04:05.000Z",
    adapter: "",
    changes: ["lr: 1 now", "p: 2 now"],
  };
  const rows = new Map(runFacts(whole, [...log, ...skipped, again]).rows);
  expect(Object.fromEntries(rows)).toMatchObject({
    Gradients: "clip_norm 1.5",
    Loss: "cross_entropy(label_smoothing: 0.1, class_weights: (1, 2, 3))",
    Frozen: "conv1.weight, conv1.bias",
    Batch: "8 images, 2 batches a step (accumulate 2)",
    "Early stop": "after 4 epochs without a lower test loss",
    Precision: "f16: activations and their gradients in two bytes",
    Memory: "0.5 of the activations kept for the backward pass",
    Preparation: "resize 96 x 64\nnormalize(mean: 0.5, std: (0.1, 0.2, 0.3))\nsubtract mean_image",
    Augmentation: "random_flip(p: 0.5)\nrandom_crop(padding: (4, 2))\ncolor_jitter(brightness: 0.2)",
    Changed: "after step 4: lr: 1 now\nafter step 4: p: 2 now",
  });
  expect(rows.get("Left out")).toBe(
    "7 pictures damaged inside the file\n0.png: bad\n1.png: bad\n2.png: bad\n3.png: bad\n4.png: bad\nand 2 more",
  );
  const facts = section(reportPage({ ...data, facts: runFacts(whole, log) }), "facts");
  expect(facts).toContain("<dd>2 files were skipped:</dd><dd>a.png: empty</dd><dd>b.png: cut off</dd>");
  // Without any of it, as in runs of before they were written down, no line is empty.
  expect(runFacts(run, log).rows.map(([name]) => name)).not.toEqual(expect.arrayContaining(["Frozen"]));
  expect(runFacts(run, log).rows.every(([, value]) => value !== "" && !value.includes("undefined"))).toBe(true);
});

test("a resumed run tells its first start and its last, and the epochs that it has where fewer were asked for", () => {
  expect(new Map(runFacts(run, log).rows).has("Resumed")).toBe(false);
  const part = (day: number): LogEntry => ({ kind: "start", step: 4, epoch: 2, time: `2026-01-0${day}T01:00:00.000Z`, adapter: "" }); // prettier-ignore
  const end: LogEntry = { kind: "end", step: 4, epoch: 2, time: "2026-01-04T01:00:01.000Z", outcome: "finished" };
  // run.json is of the last part.
  const last = { ...run, epochs: 1, started: "2026-01-04T01:00:00.000Z" };
  const { status, rows } = runFacts(last, [...log, part(3), part(4), end]);
  expect(status).toBe("Finished after 2 epochs.");
  expect(Object.fromEntries(rows)).toMatchObject({
    Started: "2026-01-02 03:04:05 UTC",
    Resumed: "2026-01-04 01:00:00 UTC",
    Trained: "2 epochs, 4 steps",
  });
});

test("the headline is of the epoch whose weights the page shows, the highest accuracy has a line of its own", () => {
  const epochs = log.filter(isEpoch);
  const [first] = epochs;
  if (first === undefined) throw new Error("the log has no epochs");
  // Right more often than any other, and surer of its mistakes.
  const lucky: LogEntry = { ...first, epoch: 9, testAccuracy: 0.99, testLoss: 10 };
  const { best, rows } = runFacts(run, [...log, lucky]);
  expect(best).toEqual(runFacts(run, log).best);
  expect(best?.loss).toBe(Math.min(...epochs.map(({ testLoss }) => testLoss)));
  expect(new Map(rows).get("Best accuracy")).toContain("after epoch 9");
});

test("curves have axes with titles and units, epochs, and a dot for each test", () => {
  const curves = section(page, "curves");
  for (const text of ["loss, nats", "right answers", "learning rate (logarithmic)", ">step</text>", ">epoch</text>", ">100 %</text>"]) expect(curves).toContain(text); // prettier-ignore
  expect(curves.match(/<circle class="dot test"/g)).toHaveLength(2 * (2 + 1));
  expect(curves).not.toMatch(/NaN|Infinity|undefined/);
  const none = section(reportPage({ ...data, curves: readCurves([]) }), "curves");
  expect(none).toContain("No step has been logged yet");
});

test("long runs are thinned to means, and a rate that falls by steps keeps its corners", () => {
  const steps = Array.from({ length: 50_000 }, (_, i): LogEntry => ({ kind: "step", step: i + 1, epoch: 1, rate: i < 20_000 ? 0.1 : 0.01, loss: i % 2, accuracy: 1 })); // prettier-ignore
  const curves = readCurves(steps);
  expect(curves.loss).toHaveLength(1000);
  expect(curves.loss.every(({ y }) => y === 0.5)).toBe(true);
  expect(curves.rate).toEqual([{ x: 1, y: 0.1 }, { x: 20_000, y: 0.1 }, { x: 20_001, y: 0.01 }, { x: 50_000, y: 0.01 }]); // prettier-ignore
});

test("the confusion matrix has a row a class with recall and precision; many classes become a picture", () => {
  const matrix = section(page, "confusion");
  expect(matrix).toContain("2 of 4 test images are classified rightly, 50.0 %");
  expect([...matrix.matchAll(/<td class="(?:hit|miss)[^"]*"[^>]*>(\d+)</g)].map(([, n]) => n).join("")).toBe("110010100"); // prettier-ignore
  expect(matrix).toContain('title="b taken for c: 0"');
  const confusion = Array.from({ length: 30 }, (_, i) => new Uint32Array(30).fill(1, i, i + 1));
  const evaluation = { ...data.evaluation, classNames: [], evaluation: { loss: 1, correct: 30, count: 30, correctInTop5: 30, confusion }, mistakes: [] } as ReportData["evaluation"]; // prettier-ignore
  const large = reportPage({ ...data, evaluation });
  expect(section(large, "confusion")).toMatch(/<img class="matrix pixels"[^>]* width="30"/);
  expect(section(large, "confusion")).toContain("class 29");
  expect(section(large, "mistakes")).toContain("Every test image is classified rightly");
});

test("mistakes, filters and feature maps are pictures with captions", () => {
  expect(section(page, "mistakes")).toMatch(/&#60; 0\.1 %.*98\.7 %.*loss 9\.21 · no\. 3/s);
  expect(section(page, "mistakes")).toContain("1 of 2 test images");
  expect(section(page, "filters")).toContain("The first 1 of 5 filters");
  expect(section(page, "feature-maps")).toContain("40x1x2, the first 2 of 40 channels");
  expect(page.match(/<img class="pixels"/g)).toHaveLength(1 + 1 + 1 + 2);
});

test("the graph has a box for each layer with what follows it, blocks framed and named, and edges between them", () => {
  const drawing = section(page, "graph");
  expect(drawing.match(/<g class="box">/g)).toHaveLength(6);
  expect(drawing.match(/<rect class="group"/g)).toHaveLength(1);
  expect(drawing).toMatch(/<text class="group"[^>]*>res1 · res/);
  // The sum reads the convolution inside and what stands before the block.
  expect(drawing.match(/<path class="edge"/g)).toHaveLength(6);
  expect(drawing).toMatch(/>batch_norm1<.*>relu1</s);
  expect(drawing).not.toMatch(/NaN|undefined/);
});

test("a network of too many layers has its blocks for boxes", () => {
  const large = checkCleanly(`model Large {\n  input 1 x 8 x 8\n  repeat 40 { conv_relu }\n  flatten\n  linear(3)\n}\nblock conv_relu() { conv(2, kernel: 3, padding: 1) -> relu -> conv(2, kernel: 1) -> conv(2, kernel: 1) }`, { warn: false }); // prettier-ignore
  const { root, isCollapsed } = diagramOf(large.graph);
  expect([isCollapsed, root.boxes.length]).toEqual([true, 1 + 40 + 2]);
  expect(root.boxes.every(({ kind }) => kind === "layers")).toBe(true);
});

test("the summary has the layers in a table, with totals and the GPU's memory", () => {
  const summary = section(page, "summary");
  const { layers, parameters } = summarizeGraph(graph, settings);
  expect(summary).toContain(`All ${layers.length} layers`);
  expect(summary).toContain(parameters.toLocaleString("en-US"));
  expect(summary).toMatch(/training step of 8 images<\/th><td>3\.0 MB<\/td><td>3,000,000/);
});

test("a part that cannot be shown says why", () => {
  const bare = reportPage({ ...data, evaluation: absent, filters: absent, featureMaps: absent, diagram: absent, summary: absent }); // prettier-ignore
  for (const id of ["confusion", "mistakes", "filters", "feature-maps", "graph", "summary"]) {
    expect(section(bare, id)).toContain('<p class="absent">because of &#60;script');
  }
});

test("pictures are PNG files of the pixels, and numbers become colours by one scale", () => {
  const decode = (address: string): readonly number[] => [...PNG.sync.read(Buffer.from(address.slice(address.indexOf(",") + 1), "base64")).data]; // prettier-ignore
  expect(decode(pictureAddress(picture))).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
  const [blue, white, red] = [0, 3, 6].map((at) => signedPicture([-2, 0, 2], 1, 3, 2).pixels.slice(at, at + 3));
  expect([blue, white, red].map((colour) => colour?.join())).toEqual(["33,94,158", "246,244,240", "178,58,36"]);
  expect([...rgbPicture([1, 0, -1], 1, 1, 1).pixels]).toEqual([255, 128, 0]);
  expect([...greyPicture([0, 1, 2, NaN], 2, 2, 2).pixels]).toEqual([0, 128, 255, 0]); // prettier-ignore
});
