import { expect, test } from "@jest/globals";
import { drawInitial, normal, randomStream, shuffledOrder, uniform } from "../../../runtime/random.ts";

const count = 200_000;

function moments(values: readonly number[]): { mean: number; variance: number; kurtosis: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const central = (power: number): number => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / values.length;
  return { mean, variance: central(2), kurtosis: central(4) / central(2) ** 2 };
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [moments(a), moments(b)];
  const product = a.reduce((sum, value, i) => sum + (value - x.mean) * ((b[i] ?? NaN) - y.mean), 0) / a.length;
  return product / Math.sqrt(x.variance * y.variance);
}

test("uniform draws fill [0, 1) evenly", () => {
  const stream = randomStream(0, "conv1.weight");
  const values = Array.from({ length: count }, (_, i) => uniform(stream, i));
  const { mean, variance } = moments(values);
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.003);
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001);
  expect(values.every((x) => x >= 0 && x < 1)).toBe(true);
  const bins = new Array<number>(100).fill(0);
  for (const x of values) bins[Math.floor(x * 100)]!++;
  const chiSquare = bins.reduce((sum, n) => sum + (n - count / 100) ** 2 / (count / 100), 0);
  // 99 degrees of freedom: 149 is passed once in a thousand times.
  expect(chiSquare).toBeLessThan(149);
});

test("normal draws have the normal's moments and tails", () => {
  const stream = randomStream(1, "fc.weight");
  const values = Array.from({ length: count }, (_, i) => normal(stream, i));
  const { mean, variance, kurtosis } = moments(values);
  expect(Math.abs(mean)).toBeLessThan(0.01);
  expect(Math.abs(variance - 1)).toBeLessThan(0.015);
  expect(Math.abs(kurtosis - 3)).toBeLessThan(0.06);
  const beyond = (limit: number): number => values.filter((x) => Math.abs(x) > limit).length / count;
  expect(Math.abs(beyond(1) - 0.3173)).toBeLessThan(0.005);
  expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.002);
  expect(Math.abs(beyond(3) - 0.0027)).toBeLessThan(0.0006);
});

test("neighbours, seeds, names and draws are not correlated", () => {
  const size = 50_000;
  const drawn = (seed: number, name: string, draw = 0, offset = 0): number[] => {
    const stream = randomStream(seed, name);
    return Array.from({ length: size }, (_, i) => uniform(stream, i + offset, draw));
  };
  const base = drawn(0, "conv1.weight");
  for (const other of [
    drawn(0, "conv1.weight", 0, 1),
    drawn(0, "conv1.weight", 1),
    drawn(1, "conv1.weight"),
    drawn(0, "conv2.weight"),
    drawn(0, "conv1.bias"),
  ]) {
    // Four and a half standard deviations.
    expect(Math.abs(correlation(base, other))).toBeLessThan(0.02);
  }
});

test("draws are fixed numbers: the same on every machine and in every version", () => {
  const stream = randomStream(42, "conv1.weight");
  expect([0, 1, 2].map((i) => stream(i))).toEqual(pinned.bits);
  expect([0, 1, 2].map((i) => normal(stream, i))).toEqual(pinned.normals);
});

test("the logarithm inside normal draws is that of the library to the last bits", () => {
  // x sqrt(-2 ln s / s) from the same draws with Math.log.
  const stream = randomStream(9, "w");
  for (let i = 0; i < 20_000; i++) {
    let expected = NaN;
    for (let draw = 0; Number.isNaN(expected); draw += 2) {
      const [x, y] = [2 * uniform(stream, i, draw) - 1, 2 * uniform(stream, i, draw + 1) - 1];
      const square = x * x + y * y;
      if (square > 0 && square < 1) expected = x * Math.sqrt((-2 * Math.log(square)) / square);
    }
    expect(Math.abs(normal(stream, i) - expected)).toBeLessThanOrEqual(1e-13 * (1 + Math.abs(expected)));
  }
});

test("a tensor drawn in pieces is the tensor drawn at once", () => {
  const stream = randomStream(3, "w");
  for (const initial of [
    { kind: "normal", mean: 1, std: 0.1 },
    { kind: "uniform", low: -2, high: 3 },
    { kind: "constant", value: 0.5 },
  ] as const) {
    const whole = new Float32Array(100);
    drawInitial(initial, stream, whole, 0);
    const piece = new Float32Array(30);
    drawInitial(initial, stream, piece, 50);
    expect(piece).toEqual(whole.subarray(50, 80));
  }
});

test("seed and epoch decide the order of an epoch", () => {
  const order = shuffledOrder(1000, 7, 2);
  expect(shuffledOrder(1000, 7, 2)).toEqual(order);
  expect(shuffledOrder(1000, 7, 3)).not.toEqual(order);
  expect(shuffledOrder(1000, 8, 2)).not.toEqual(order);
});

test("every index stands everywhere about equally often", () => {
  const sums = new Array<number>(10).fill(0);
  for (let epoch = 0; epoch < 2000; epoch++) {
    shuffledOrder(10, 1, epoch).forEach((index, at) => {
      sums[index] = (sums[index] ?? 0) + at;
    });
  }
  for (const sum of sums) expect(Math.abs(sum / 2000 - 4.5)).toBeLessThan(0.3);
});

test("an order holds each index once, anywhere", () => {
  const size = 20;
  const firsts = new Set<number>();
  for (let epoch = 0; epoch < 200; epoch++) {
    const order = shuffledOrder(size, 1, epoch);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(size).keys()]);
    firsts.add(order[0] ?? -1);
  }
  expect(firsts.size).toBe(size);
});

const pinned = {
  bits: [1876676501, 2509225272, 432809149],
  normals: [-2.7981401067462457, 0.9759740867173692, -0.2505808138647478],
};
