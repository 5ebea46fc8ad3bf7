/** Small networks drawn at random from every layer of the table, as text of the language: every one of them compiles. */
import fc from "fast-check";
import type { CompileOptions } from "../../compiler/compile.ts";
import { diceOf, drawLayer, drawnLayers, expectedRank, layerText, shapeAfter } from "./drawLayer.ts";
import type { Dice, DrawnLayer } from "./drawLayer.ts";

/** A network to compile, and how to run it. */
export interface RandomNetwork {
  readonly text: string;
  readonly classes: number;
  readonly options: CompileOptions & { readonly batch: number };
  /** The samples of the step: at most the batch. */
  readonly count: number;
  /** Step and seed, which decide what dropout draws. */
  readonly uniforms: Readonly<Record<string, number>>;
  /** The layers that the text uses, with the arguments that it gives them. */
  readonly layers: readonly UsedLayer[];
}

type UsedLayer = Pick<DrawnLayer, "name" | "args">;

const joins = ["add", "concat", "multiply"] as const;

/** What one step is made of: a layer, a join of branches, or a name for the value (and a head that starts there). */
type Draw =
  | { readonly kind: "layer"; readonly layer: string; readonly dice: readonly number[] }
  | {
      readonly kind: "join";
      readonly join: (typeof joins)[number];
      readonly branches: readonly (readonly Draw[])[];
      readonly dice: readonly number[];
    }
  | { readonly kind: "name" | "head" | "squeeze" | "dense"; readonly dice: readonly number[] };

/** The losses as recipes write them; "dot" is that of conformance cases. */
export const losses = [
  "cross_entropy",
  "cross_entropy(label_smoothing: 0.2)",
  "nll",
  "cross_entropy(class_weights: W)",
  "cross_entropy(label_smoothing: 0.2, class_weights: W)",
  "nll(class_weights: W)",
  "dot",
] as const;

/** W of the losses: the first of them, one a class. */
export const classWeights: readonly number[] = [1, 2, 0.5, 3];

const numbers = fc.array(fc.nat(999), { minLength: 10, maxLength: 10 });
const layerDraw: fc.Arbitrary<Draw> = fc.record({
  kind: fc.constant("layer"),
  layer: fc.constantFrom(...drawnLayers),
  dice: numbers,
});
const markDraw: fc.Arbitrary<Draw> = fc.record({
  kind: fc.constantFrom("name", "name", "head", "squeeze"),
  dice: numbers,
});

function joinDraw(step: fc.Arbitrary<Draw>): fc.Arbitrary<Draw> {
  const branch = fc.array(step, { maxLength: 2 });
  return fc.record({
    kind: fc.constant("join"),
    join: fc.constantFrom(...joins),
    branches: fc.array(branch, { minLength: 1, maxLength: 3 }),
    dice: numbers,
  });
}
const shallow = fc.oneof({ weight: 8, arbitrary: layerDraw }, { weight: 1, arbitrary: joinDraw(layerDraw) });
const anyDraw = fc.oneof(
  { weight: 8, arbitrary: layerDraw },
  { weight: 2, arbitrary: joinDraw(shallow) },
  { weight: 1, arbitrary: markDraw },
);

/** Odd sizes, remainders, strides, dilations, groups, joins, views, heads, partial batches and every option included. */
export const randomNetwork: fc.Arbitrary<RandomNetwork> = networkBeginningWith([]);

/** One whose first step, after a convolution with groups to shuffle, is the given layer, or a squeeze and excitation, or a dense block. */
export function randomNetworkWith(step: string): fc.Arbitrary<RandomNetwork> {
  const conv: Draw = { kind: "layer", layer: "conv", dice: [0, 3, 0, 0, 0, 0, 0, 0, 0, 0] };
  return numbers.chain((dice) =>
    networkBeginningWith([
      conv,
      step === "squeeze" || step === "dense" ? { kind: step, dice } : { kind: "layer", layer: step, dice },
    ]),
  );
}

/** One with the given loss. */
export function randomNetworkFor(loss: (typeof losses)[number]): fc.Arbitrary<RandomNetwork> {
  return networkBeginningWith([], fc.constant(loss));
}

function networkBeginningWith(
  first: readonly Draw[],
  loss: fc.Arbitrary<string> = fc.constantFrom(...losses),
): fc.Arbitrary<RandomNetwork> {
  return fc
    .record({
      channels: fc.integer({ min: 1, max: 4 }),
      height: fc.integer({ min: 1, max: 8 }),
      width: fc.integer({ min: 1, max: 8 }),
      vector: fc.nat(9),
      draws: fc.array(anyDraw, { minLength: 1, maxLength: 6 }),
      end: fc.nat(9),
      loss,
      classes: fc.integer({ min: 2, max: 4 }),
      batch: fc.integer({ min: 1, max: 4 }),
      missing: fc.nat(3),
      training: fc.nat(5),
      dropout: fc.nat(5),
      adapterClass: fc.constantFrom("cpu", "gpu"),
      bindingBytes: fc.constantFrom(0, 0, 0, 0, 2048, 4096),
      step: fc.nat(1000),
      seed: fc.nat(1000),
    })
    .map(({ channels, height, width, vector, draws, end, loss, classes, batch, missing, ...drawn }) => {
      const start = vector === 0 ? [channels * height] : [channels, height, width];
      const writer = specWriter(classes, loss.startsWith("nll"));
      const value = writer.steps([...first, ...draws], { shape: start, lines: [] }, true);
      // A global pool first, now and then, as classifiers have it.
      const pooled = end < 3 && value.shape.length === 3 ? writer.layer("global_avg_pool", value) : value;
      const last = writer.classifier(pooled);
      return {
        text: networkText(start.join(" x "), last.lines.map((line) => `  ${line}`).join("\n"), {
          loss: loss === "dot" ? "cross_entropy" : loss.replace("W", `(${classWeights.slice(0, classes).join(", ")})`),
        }),
        classes,
        options: {
          batch,
          imageGradient: true,
          keepLogits: true,
          adapterClass: drawn.adapterClass,
          loss: loss === "dot" ? "dot" : "recipe",
          training: drawn.training > 0,
          dropout: drawn.dropout > 0,
          // Bindings so small that parameters and activations come in slabs.
          ...(drawn.bindingBytes > 0 && { limits: { maxStorageBufferBindingSize: drawn.bindingBytes } }),
        },
        count: drawn.bindingBytes > 0 ? batch : Math.max(1, batch - missing),
        uniforms: { step: drawn.step, seed: drawn.seed },
        layers: writer.used,
      };
    });
}

/** A model of that input and body, with a recipe whose data never matters. */
export function networkText(input: string, body: string, { loss = "cross_entropy" } = {}): string {
  return `model Net {\n  input ${input}\n${body}\n}\n\ntrain Net {\n  data       arrays("x.npy", "y.npy")\n  loss       ${loss}\n  optimizer  sgd(lr: 0.1, momentum: 0.9)\n  batch      3\n}\n`;
}

/** The shape so far, and the lines of text that led there. */
interface Value {
  readonly shape: readonly number[];
  readonly lines: readonly string[];
}

function specWriter(classes: number, logarithmic: boolean) {
  const used: UsedLayer[] = [];
  const named: { readonly name: string; readonly shape: readonly number[] }[] = [];
  let heads = 0;

  const written = (value: Value, name: string, args: DrawnLayer["args"]): Value => {
    used.push({ name, args });
    return { shape: shapeAfter(name, value.shape, args), lines: [...value.lines, layerText({ name, args })] };
  };

  /** The layer after what it needs before it: `flatten` before a vector's, `reshape` before an image's. */
  function layer(name: string, value: Value, dice: Dice = diceOf([])): Value {
    const rank = value.shape.length === 1 ? "vector" : "image";
    const expected = expectedRank(name);
    if (expected === "vector" && rank === "image") return layer(name, written(value, "flatten", {}), dice);
    if (expected === "image" && rank === "vector") return layer(name, layer("reshape", value, dice), dice);
    const drawn = drawLayer(name, dice, value.shape);
    return drawn === undefined ? value : written(value, name, drawn.args);
  }

  function steps(draws: readonly Draw[], start: Value, outermost = false): Value {
    return draws.reduce((value, draw) => {
      const dice = diceOf(draw.dice);
      switch (draw.kind) {
        case "layer":
          return layer(draw.layer, value, dice);
        case "join":
          return join(draw.join, draw.branches, value, dice);
        case "squeeze":
          return squeeze(value, dice);
        case "dense":
          return dense(value, dice);
        case "name":
          return name(value);
        case "head":
          return outermost && heads < 4 ? head(value, dice) : value;
      }
    }, start);
  }

  /** The value brought to a shape, by layers whose windows are uneven as a rule. */
  function adapted(value: Value, shape: readonly number[], spaceOnly: boolean): Value {
    if (shape.length === 1) {
      const flat = value.shape.length === 1 ? value : written(value, "flatten", {});
      if (spaceOnly || flat.shape[0] === shape[0]) return flat;
      return written(flat, "linear", { features: shape[0] ?? 1 });
    }
    const [channels = 1, height = 1, width = 1] = shape;
    const image = value.shape.length === 3 ? value : written(value, "reshape", { channels: value.shape[0] ?? 1, height: 1, width: 1 }); // prettier-ignore
    const sized =
      image.shape[1] === height && image.shape[2] === width
        ? image
        : written(image, "adaptive_avg_pool", { size: [height, width] });
    if (spaceOnly || sized.shape[0] === channels) return sized;
    return written(sized, "conv", { channels, kernel: [1, 1] });
  }

  function join(kind: (typeof joins)[number], drawn: readonly (readonly Draw[])[], value: Value, dice: Dice): Value {
    const branches = drawn.map((draws) => {
      const source = named.length > 0 && dice.once(4) ? dice.pick(named) : undefined;
      const from = source === undefined ? [] : [`from ${source.name}`];
      return steps(draws, { shape: source?.shape ?? value.shape, lines: from });
    });
    const shape = branches[0]?.shape ?? value.shape;
    const ends = branches.map((branch) => {
      const image = shape.length === 3 && kind === "multiply" && branch.shape.length === 3;
      const isSpread = image && branch.shape[0] === shape[0] && branch.shape[1] === 1 && branch.shape[2] === 1;
      return isSpread ? branch : adapted(branch, shape, kind === "concat");
    });
    const channels = ends.reduce((sum, end) => sum + (end.shape[0] ?? 0), 0);
    return {
      shape: kind === "concat" ? [channels, ...shape.slice(1)] : shape,
      lines: [...value.lines, `${kind} { ${ends.map(({ lines }) => `branch { ${lines.join(" -> ")} }`).join(" ")} }`],
    };
  }

  /** Squeeze and excitation: the value times a weight for each of its channels. */
  function squeeze(value: Value, dice: Dice): Value {
    if (value.shape.length !== 3) return value;
    const [channels = 1] = value.shape;
    const pool = dice.pick(["global_avg_pool", "global_max_pool"]);
    const gate = dice.pick(["sigmoid", "hard_sigmoid"]);
    const pooled = written({ ...value, lines: [] }, pool, {});
    const weights = written(written(pooled, "conv", { channels, kernel: [1, 1] }), gate, {});
    return { ...value, lines: [...value.lines, `multiply { branch { } branch { ${weights.lines.join(" -> ")} } }`] };
  }

  /** Layers that normalise all features before them, and one after them that does too. */
  function dense(value: Value, dice: Dice): Value {
    if (value.shape.length !== 3) return value;
    const [layers, growth, width] = [dice.pick([2, 3]), dice.pick([1, 2, 3]), dice.pick([0, 1, 2])];
    const [channels = 1, ...space] = value.shape;
    const line = `dense_block(${layers}, ${growth}, width: ${width}) -> batch_norm`;
    return { shape: [channels + layers * growth, ...space], lines: [...value.lines, line] };
  }

  function name(value: Value): Value {
    const isStep = /^(?!from |head )./.test(value.lines.at(-1) ?? "");
    const lines = isStep ? value.lines : [...value.lines, "identity"];
    const label = `v${named.length}`;
    named.push({ name: label, shape: value.shape });
    return { ...value, lines: [...lines.slice(0, -1), `${lines.at(-1) ?? ""} as ${label}`] };
  }

  function head(value: Value, dice: Dice): Value {
    const source = named.length > 0 && dice.once(2) ? dice.pick(named) : undefined;
    const from = source === undefined ? "" : ` from ${source.name}`;
    const weight = dice.pick(["", " weight 0.3", " weight 2"]);
    const middle = layer(dice.pick(drawnLayers), { shape: source?.shape ?? value.shape, lines: [] }, dice);
    const end = classifier(middle);
    const body = end.lines.join(" -> ");
    return { ...value, lines: [...value.lines, `head aux${heads++}${from}${weight} { ${body} }`] };
  }

  function classifier(value: Value): Value {
    const flat = value.shape.length === 1 ? value : written(value, "flatten", {});
    const logits = written(flat, "linear", { features: classes });
    return logarithmic ? written(logits, "log_softmax", {}) : logits;
  }

  return { used, steps, layer, classifier };
}
