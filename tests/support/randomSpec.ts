/** Small networks drawn at random, as text of the language: every one of them compiles. */
import fc from "fast-check";

/** One step of a network: what it is, and numbers that its sizes are made of. */
interface Draw {
  readonly kind: string;
  readonly a: number;
  readonly b: number;
}

interface Shape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

const kinds = ["conv", "max_pool", "avg_pool", "activation", "activation", "batch_norm", "add", "concat", "dropout"];
const activations = ["relu", "sigmoid", "tanh", "leaky_relu", "silu", "elu"];

const draw: fc.Arbitrary<Draw> = fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(999), b: fc.nat(999) });

/** A spec with a recipe; odd sizes, remainders, strides, padding, joins and views included. */
export const randomSpec: fc.Arbitrary<string> = fc
  .record({
    channels: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 3, max: 8 }),
    width: fc.integer({ min: 3, max: 8 }),
    draws: fc.array(draw, { minLength: 1, maxLength: 6 }),
    hidden: fc.nat(3),
    end: fc.constantFrom("flatten", "global_avg_pool -> flatten"),
  })
  .map(({ channels, height, width, draws, hidden, end }) => {
    let shape: Shape = { channels, height, width };
    const steps: string[] = [];
    for (const each of draws) {
      const step = stepOf(each, shape);
      steps.push(`  ${step.text}`);
      shape = step.shape;
    }
    const middle = hidden > 0 ? `  linear(${hidden + 2}) -> ${activations[hidden] ?? "relu"}\n` : "";
    return networkText(`${channels} x ${height} x ${width}`, `${steps.join("\n")}\n  ${end}\n${middle}  linear(3)`);
  });

/** A model of that input and body, with a recipe whose data never matters. */
export function networkText(input: string, body: string): string {
  return `model Net {\n  input ${input}\n${body}\n}\n\ntrain Net {\n  data       arrays("x.npy", "y.npy")\n  optimizer  sgd(lr: 0.1, momentum: 0.9)\n  batch      3\n}\n`;
}

function stepOf({ kind, a, b }: Draw, shape: Shape): { readonly text: string; readonly shape: Shape } {
  const { channels, height, width } = shape;
  switch (kind) {
    case "conv": {
      const kernel = Math.min(1 + (a % 3), height, width);
      const [stride, padding] = [1 + (b % 2), Math.floor(b / 2) % kernel];
      const out = 1 + (Math.floor(a / 3) % 5);
      const bias = b % 5 === 0 ? ", bias: false" : "";
      return {
        text: `conv(${out}, kernel: ${kernel}, stride: ${stride}, padding: ${padding}${bias})`,
        shape: {
          channels: out,
          height: Math.floor((height + 2 * padding - kernel) / stride) + 1,
          width: Math.floor((width + 2 * padding - kernel) / stride) + 1,
        },
      };
    }
    case "max_pool":
    case "avg_pool": {
      const kernel = Math.min(2 + (a % 2), height, width);
      const stride = 1 + (b % kernel);
      const padding = Math.floor(a / 2) % (Math.floor(kernel / 2) + 1);
      const sized = (extent: number): number => Math.floor((extent + 2 * padding - kernel) / stride) + 1;
      return {
        text: `${kind}(${kernel}, stride: ${stride}, padding: ${padding})`,
        shape: { channels, height: sized(height), width: sized(width) },
      };
    }
    case "activation":
      return { text: activations[a % activations.length] ?? "relu", shape };
    case "batch_norm":
    case "dropout":
      return { text: kind, shape };
    default: {
      const [left, right] = [1 + (a % 3), kind === "add" ? 1 + (a % 3) : 1 + (b % 4)];
      const second =
        b % 3 === 0 ? "sigmoid" : b % 3 === 1 ? `conv(${right}, kernel: 1) -> relu` : `conv(${right}, kernel: 1)`;
      const first =
        kind === "add" && b % 3 === 0 ? "relu" : `conv(${left}, kernel: 3, padding: 1)${a % 2 === 0 ? " -> relu" : ""}`;
      const added = kind === "add" && b % 3 === 0 ? channels : left;
      const joined = kind === "add" ? added : left + (b % 3 === 0 ? channels : right);
      return {
        text: `${kind} { branch { ${first} } branch { ${second} } }`,
        shape: { channels: joined, height, width },
      };
    }
  }
}
