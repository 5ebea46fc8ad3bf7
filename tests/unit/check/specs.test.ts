/** The shipped networks against the figures of the papers' PyTorch forms, and their parameters against the recorded cases. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { checkSource } from "../../../compiler/check.ts";
import { renderDiagnostics } from "../../../compiler/diagnostics/render.ts";
import { elementCount, verifyGraph, type Graph } from "../../../compiler/ir/graph.ts";

interface Row {
  readonly spec: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly parameters: number;
  /** The recorded case with the same parameters in the same order. */
  readonly recorded?: string;
}

const resnets = { 18: 11689512, 34: 21797672, 50: 25557032, 101: 44549160, 152: 60192808 } as const;
const rows: readonly Row[] = [
  { spec: "lenet", parameters: 61706, recorded: "lenet" },
  { spec: "mnist_cnn", parameters: 8490, recorded: "mnist_cnn" },
  { spec: "alexnet", parameters: 61100840, recorded: "alexnet" },
  { spec: "alexnet", settings: { lrn: "true" }, parameters: 61100840 },
  { spec: "alexnet_d2l", parameters: 46764746, recorded: "alexnet_d2l" },
  { spec: "zfnet", parameters: 62357608, recorded: "zfnet" },
  { spec: "vgg", settings: { depth: "11" }, parameters: 132863336 },
  { spec: "vgg", settings: { depth: "13" }, parameters: 133047848 },
  { spec: "vgg", settings: { depth: "16" }, parameters: 138357544, recorded: "vgg16" },
  { spec: "vgg", settings: { depth: "19" }, parameters: 143667240, recorded: "vgg19" },
  { spec: "vgg11_d2l", parameters: 128806154, recorded: "vgg11" },
  { spec: "vgg11_d2l", settings: { ratio: "8", size: "96" }, parameters: 707626, recorded: "vgg11_small" },
  { spec: "nin", parameters: 1992166, recorded: "nin" },
  { spec: "googlenet", parameters: 5977530, recorded: "googlenet" },
  { spec: "googlenet_full", parameters: 13378280, recorded: "googlenet_full" },
  { spec: "inception_net", parameters: 97298, recorded: "inception_net" },
  { spec: "residual_net", parameters: 41514, recorded: "residual_net" },
  { spec: "netresdeep", parameters: 159330, recorded: "netresdeep" },
  { spec: "netresdeep", settings: { dropout: "0.3" }, parameters: 159330 },
  ...Object.entries(resnets).map(([depth, parameters]) => ({
    spec: "resnet",
    settings: { depth, size: "64" },
    parameters,
    recorded: `resnet${depth}`,
  })),
  { spec: "densenet", settings: { size: "64" }, parameters: 7978856, recorded: "densenet121" },
  { spec: "densenet", settings: { depth: "169" }, parameters: 14149480 },
  { spec: "densenet", settings: { depth: "201" }, parameters: 20013928 },
  // Of specs/zoo the published sizes, counted by PyTorch, and the small forms of its recorded cases.
  ...zooRows(),
];

function zooRows(): readonly Row[] {
  const read = (path: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../conformance/${path}`, import.meta.url), "utf8"));
  const sizes = read("zoo/parameters.json") as { spec: string; set: Row["settings"]; parameters: number }[];
  const cases = read("specs.json") as Readonly<Record<string, { spec: string; set?: Row["settings"] }>>;
  return [
    ...sizes.map(({ spec, set = {}, parameters }) => ({ spec: `zoo/${spec}`, settings: set, parameters })),
    ...Object.entries(cases)
      .filter(([name]) => name.startsWith("zoo_"))
      .map(([recorded, { spec, set = {} }]) => {
        const { num_params: parameters } = read(`cases/${recorded}.json`) as { num_params: number };
        return { spec: spec.replace(/^specs\/|\.cnn$/g, ""), settings: set, parameters, recorded };
      }),
  ];
}

function specGraph({ spec, settings = {} }: Row): Graph {
  const path = `specs/${spec}.cnn`;
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
  const result = checkSource({ path, text }, { settings });
  if (result.checked === undefined) throw new Error(renderDiagnostics(result.diagnostics));
  // Set to other sizes or classes, a spec is told that its recipe's data set has its own.
  const ownData = "size" in settings || "classes" in settings ? ["CNN6008", "CNN6009"] : [];
  expect(result.diagnostics.filter(({ code }) => !ownData.includes(code))).toEqual([]);
  expect(result.checked.recipe).toBeDefined();
  verifyGraph(result.checked.graph);
  return result.checked.graph;
}

/** The shapes of a recorded case's tensors in the order of definition; the large cases lie beside the project only. */
function recordedShapes(name: string): readonly string[] | undefined {
  const places = ["../../conformance/cases/", "../../../../shared/conformance/cases/"];
  const found = places.map((place) => new URL(`${place}${name}.json`, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined) return undefined;
  const { params } = JSON.parse(readFileSync(found, "utf8")) as { params: { role: string; shape: number[] }[] };
  return params.map(({ role, shape }) => `${role} ${shape.join("x")}`);
}

const roles = { scale: "gamma", shift: "beta" } as const;

test.each(rows.map((row) => [`${row.spec} ${JSON.stringify(row.settings ?? {})}`, row] as const))("%s", (_, row) => {
  const graph = specGraph(row);
  expect(graph.parameters.reduce((sum, { type }) => sum + elementCount(type), 0)).toBe(row.parameters);
  if (row.recorded === undefined) return;
  const recorded = recordedShapes(row.recorded);
  if (recorded === undefined) {
    console.warn(`${row.recorded}: the recorded case is not here; only the number of parameters was compared`);
    return;
  }
  const tensors = [
    ...graph.parameters.map(({ value, role, type }) => ({
      value,
      text: `${role === "scale" || role === "shift" ? roles[role] : role} ${type.shape.join("x")}`,
    })),
    ...graph.states.map(({ name, value, type }) => ({
      value,
      text: `${name.slice(name.lastIndexOf(".") + 1)} ${type.shape.join("x")}`,
    })),
  ];
  expect(tensors.sort((a, b) => a.value - b.value).map(({ text }) => text)).toEqual(recorded);
});

test("every file of specs/zoo has its figures and a recorded case", () => {
  const files = readdirSync(new URL("../../../specs/zoo", import.meta.url)).map((file) => `zoo/${file.slice(0, -4)}`);
  expect(files.length).toBeGreaterThan(8);
  for (const file of files) {
    const own = rows.filter(({ spec }) => spec === file);
    expect([file, own.some(({ recorded }) => recorded !== undefined)]).toEqual([file, true]);
    expect([file, own.some(({ recorded }) => recorded === undefined)]).toEqual([file, true]);
  }
});

test("the five stages of GoogLeNet", () => {
  const graph = specGraph({ spec: "googlenet", parameters: 5977530 });
  const pools = graph.nodes.filter(({ op, origin }) => op.includes("pool") && origin.calls.length === 0);
  const shapes = pools.map(({ type }) => type.shape.join("x"));
  expect(shapes).toEqual(["64x24x24", "192x12x12", "480x6x6", "832x3x3", "1024x1x1"]);
});
