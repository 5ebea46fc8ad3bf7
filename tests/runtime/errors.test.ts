import { describe, expect, test } from "@jest/globals";
import { openDevice } from "../../compiler/node/adapter.ts";
import { createNetwork, NetworkError, writeSafetensors } from "../../runtime/index.ts";
import type { Network, NetworkErrorKind, NetworkPlan, StoredTensor } from "../../runtime/index.ts";
import { linearData, linearPlan } from "../support/linearPlan.ts";
import { networksOfTest, openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();
const networks = networksOfTest();

async function open(): Promise<Network> {
  const network = await createNetwork(linearPlan(), { device: opened.device });
  networks.push(network);
  return network;
}

/** What a call or a promise fails with. */
async function failureOf(call: () => unknown): Promise<{ kind: NetworkErrorKind; message: string }> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(NetworkError);
    const { kind, message } = error as NetworkError;
    return { kind, message };
  }
  throw new Error("nothing failed");
}

describe("wrong input", () => {
  const { images, labels } = linearData(4);
  const cases: [string, (network: Network) => unknown, string][] = [
    ["bytes for images", (n) => n.trainStep(new Uint8Array(16), labels), "Float32Array.from(bytes, (byte) => byte / 255)"],
    ["doubles for images", (n) => n.trainStep(new Float64Array(16) as never, labels), "found Float64Array of 16 values"],
    ["no whole image", (n) => n.trainStep(images.subarray(1), labels), "1 x 2 x 2 = 4 values an image"],
    ["fewer labels", (n) => n.trainStep(images, labels.subarray(1)), "4 images and 3 labels"],
    ["a label too great", (n) => n.trainStep(images, [0, 1, 3, 0]), "label 2 is 3; a class of Linear is a whole number from 0 to 2"],
    ["a negative label", (n) => n.trainStep(images, Int32Array.of(0, -1, 0, 0)), "label 1 is -1"],
    ["half a label", (n) => n.trainStep(images, [0, 0.5, 0, 0]), "label 1 is 0.5"],
    ["labels as reals", (n) => n.trainStep(images, new Float32Array(4)), "found Float32Array of 4 values"],
    ["labels as 64 bits", (n) => n.trainStep(images, new BigInt64Array(4) as never), "found BigInt64Array"],
    ["labels as text", (n) => n.trainStep(images, "0000" as never), "found a string"],
    ["too many images", (n) => n.trainStep(new Float32Array(20), new Uint8Array(5)), "5 images are more than the batch of 4"],
    ["no images", (n) => n.trainStep(new Float32Array(0), []), "there are no images"],
    ["wrong predictions", (n) => n.predict(images.subarray(2)), "found Float32Array of 14 values"],
    ["an empty dataset", (n) => n.evaluate({ images: new Float32Array(), labels: [] }), "no images"],
    ["a dataset with a wrong label", (n) => n.fit({ images, labels: [0, 0, 9, 0] }, { epochs: 1 }), "label 2 is 9"],
    ["a batch beyond the compiled one", (n) => n.fit({ images, labels }, { epochs: 1, batchSize: 5 }), "batchSize 5 is more than the batch of 4"],
    ["half an epoch", (n) => n.fit({ images, labels }, { epochs: 0.5 }), "epochs must be a whole number from 0, found 0.5"],
    ["an unknown setting", (n) => n.setUniform("beta", 1), "no setting called beta; it has lr, momentum"],
    ["a builtin setting", (n) => n.setUniform("count", 1), "no setting called count"],
    ["a rate that is no number", (n) => n.setRate(NaN), "lr must be a finite number, found NaN"],
    ["an unknown parameter", (n) => n.parameter("fc2.weight"), "no parameter fc2.weight; it has fc.weight, fc.bias, norm.running_mean"],
    ["a parameter of the wrong length", (n) => n.parameter("fc.weight").write([1, 2]), "3 x 4 = 12 values, found Array of 2 values"],
    ["half a seed", (n) => n.init(0.5), "a seed is a whole number, found 0.5"],
  ]; // prettier-ignore

  test.each(cases)("%s", async (_, call, expected) => {
    const network = await open();
    const before = await network.saveCheckpoint();
    const { kind, message } = await failureOf(() => call(network));
    expect(kind).toBe("input");
    expect(message).toContain(expected);
    expect(await network.saveCheckpoint()).toEqual(before);
  });
});

describe("weights that do not fit", () => {
  const tensor = (shape: readonly number[], value = 1): StoredTensor => ({
    dtype: "F32",
    shape,
    values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });
  const good = (): Map<string, StoredTensor> =>
    new Map([
      ["fc.weight", tensor([3, 4])],
      ["fc.bias", tensor([3])],
      ["norm.running_mean", tensor([4])],
      ["norm.num_batches_tracked", { dtype: "I64", shape: [], values: BigInt64Array.of(5n) }],
    ]);
  const changed = (change: (tensors: Map<string, StoredTensor>) => void): Uint8Array => {
    const tensors = good();
    change(tensors);
    return writeSafetensors(tensors, { format: "pt" });
  };
  /** A file with this header text, and `size` bytes of data. */
  const raw = (header: string, size: number): Uint8Array => {
    const text = new TextEncoder().encode(header);
    const file = new Uint8Array(8 + text.length + size);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    return file;
  };
  const whole = writeSafetensors(good(), {});
  const entry = (offsets: string, dtype = "F32", shape = "[1]"): string =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
  const cases: [string, () => unknown, string][] = [
    ["missing", () => changed((t) => t.delete("fc.bias")), "missing fc.bias"],
    ["unexpected", () => changed((t) => t.set("fc2.bias", tensor([3]))), "unexpected fc2.bias"],
    ["foreign", () => writeSafetensors(new Map([["a", tensor([1])]]), {}), "missing fc.weight, fc.bias, norm.running_mean"],
    ["wrong shape", () => changed((t) => t.set("fc.weight", tensor([4, 3]))), "fc.weight has shape 4 x 3; 3 x 4 is expected"],
    ["wrong dtype", () => changed((t) => t.set("norm.num_batches_tracked", tensor([]))), "has dtype F32; I64 is expected"],
    ["no bytes", () => new Uint8Array(4), "it has 4 bytes"],
    ["header beyond the file", () => whole.subarray(0, 40), "it is truncated, or no safetensors file"],
    ["data cut short", () => whole.subarray(0, -4), "it is truncated: its tensors need 84 bytes and 80 are there"],
    ["more data", () => Uint8Array.of(...whole, 0, 0), "2 bytes after its last tensor"],
    ["no JSON", () => raw("{nonsense", 0), "its header is not JSON"],
    ["no UTF-8", () => Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), "its header is not JSON"],
    ["no object", () => raw("[1]", 0), "its header is not a JSON object"],
    ["overlap", () => raw(`{"a":${entry("[0,4]")},"b":${entry("[2,6]")}}`, 6), "tensor b begins at byte 2, inside"],
    ["a hole", () => raw(`{"a":${entry("[0,4]")},"b":${entry("[8,12]")}}`, 12), "bytes 4 to 8 before tensor b"],
    ["no offsets", () => raw(`{"a":{"dtype":"F32","shape":[1]}}`, 4), 'entry for "a" lacks'],
    ["offsets against the shape", () => raw(`{"a":${entry("[0,8]")}}`, 8), "needs 4 bytes, but its offsets hold 8"],
    ["offsets backwards", () => raw(`{"a":${entry("[8,4]")}}`, 8), "needs 4 bytes, but its offsets hold -4"],
    ["an unknown dtype", () => raw(`{"a":${entry("[0,4]", "Q7")}}`, 4), "unknown dtype Q7"],
    ["a huge shape", () => raw(`{"a":${entry("[0,4]", "F32", "[9007199254740991,9007199254740991]")}}`, 4), "but its offsets hold 4"],
    ["no file", () => "weights", "weights are the bytes of a safetensors file, found a string"],
  ]; // prettier-ignore

  test.each(cases)("%s", async (_, make, expected) => {
    const network = await open();
    const before = await network.saveCheckpoint();
    const { kind, message } = await failureOf(() => network.load(make() as Uint8Array));
    expect(kind).toBe("weights");
    expect(message).toContain(expected);
    expect(await network.saveCheckpoint()).toEqual(before);
  });

  test("good ones are taken, from a buffer at any alignment", async () => {
    const network = await open();
    const shifted = new Uint8Array(whole.length + 3);
    shifted.set(whole, 3);
    await network.load(shifted.subarray(3));
    expect(await network.save()).toEqual(writeSafetensors(good(), { format: "pt" }));
  });

  test("weights are no checkpoint, and a checkpoint of other settings is refused", async () => {
    const network = await open();
    expect((await failureOf(async () => network.loadCheckpoint(await network.save()))).message).toContain(
      "missing model.fc.weight",
    );
    const checkpoint = await network.saveCheckpoint();
    const text = new TextDecoder("latin1").decode(checkpoint).replace('\\"lr\\"', '\\"lx\\"');
    const altered = Uint8Array.from(text, (character) => character.charCodeAt(0));
    expect((await failureOf(() => network.loadCheckpoint(altered))).kind).toBe("weights");
    expect(await network.saveCheckpoint()).toEqual(checkpoint);
  });
});

describe("the GPU", () => {
  const withKernel = (name: string, change: (wgsl: string) => string): NetworkPlan => {
    const plan = linearPlan();
    return {
      ...plan,
      kernels: plan.kernels.map((kernel) => (kernel.name === name ? { ...kernel, wgsl: change(kernel.wgsl) } : kernel)),
    };
  };

  test("a kernel that does not compile is named, with the line", async () => {
    const plan = withKernel("sgd_update", (wgsl) => wgsl.replace("step.lr *", "step.lr * nothing *"));
    const { kind, message } = await failureOf(() => createNetwork(plan, { device: opened.device }));
    expect(kind).toBe("kernel");
    expect(message).toMatch(/kernel sgd_update failed to compile: .*nothing/);
    expect(message).toMatch(/\d+:\d+ \| .*step\.lr \* nothing/);
  });

  test("a kernel whose bindings do not fit is named", async () => {
    // Read-only in the text, written in the plan.
    const plan = withKernel("running_mean", (wgsl) =>
      wgsl.replace("read_write> mean", "read> mean").replace("mean[i] =", "_ ="),
    );
    const { kind, message } = await failureOf(() => createNetwork(plan, { device: opened.device }));
    expect(kind).toBe("kernel");
    expect(message).toContain("kernel running_mean failed to compile");
  });

  test("a binding that reaches past its buffer is refused at set-up", async () => {
    const plan = linearPlan();
    const dispatches = plan.inference.dispatches.map((dispatch) => ({
      ...dispatch,
      bindings: dispatch.bindings.map((binding) => ({ ...binding, size: 1 << 20 })),
    }));
    const { message } = await failureOf(() =>
      createNetwork({ ...plan, inference: { ...plan.inference, dispatches } }, { device: opened.device }),
    );
    expect(message).toContain("linear_inference");
  });

  test("an error that nothing caught comes out at the next step, with the kernel's name", async () => {
    // The kernel declares more than its binding holds, which WebGPU notices only when it is dispatched.
    const device = (await openDevice()).device;
    const plan = withKernel("running_mean", (wgsl) => wgsl.replace("mean: array<f32>", "mean: array<f32, 100>"));
    const network = await createNetwork(plan, { device, programs: ["training"] });
    const { images, labels } = linearData(4);
    const { message } = await failureOf(async () => {
      await network.trainStep(images, labels).metrics();
      await new Promise((resolve) => setTimeout(resolve, 50));
      network.trainStep(images, labels);
    });
    expect(message).toContain("running_mean");
    expect((await failureOf(() => network.predict(images))).message).toContain("running_mean");
    network.destroy();
    device.destroy();
  });

  test("a lost device comes out of what waits and of what follows", async () => {
    const { device } = await openDevice();
    const network = await createNetwork(linearPlan(), { device });
    const { images, labels } = linearData(4);
    const step = network.trainStep(images, labels);
    device.destroy();
    expect((await failureOf(() => step.metrics())).message).toContain("the GPU device was lost");
    expect((await failureOf(() => network.save())).message).toContain("the GPU device was lost");
    network.destroy();
  });

  test("limits beyond the device are told before anything is made", async () => {
    const plan = { ...linearPlan(), requiredLimits: { maxStorageBufferBindingSize: 2 ** 50 } };
    const { kind, message } = await failureOf(() => createNetwork(plan, { device: opened.device }));
    expect(kind).toBe("device");
    expect(message).toMatch(
      /Linear needs maxStorageBufferBindingSize of 1125899906842624, and the given device offers \d+/,
    );
    expect((await failureOf(() => createNetwork(plan, { gpu: opened.gpu }))).message).toContain("the adapter offers");
  });

  test("features that the device lacks are told before anything is made", async () => {
    const plan = { ...linearPlan(), requiredFeatures: ["shader-f16"] };
    const { device } = await openDevice();
    const { kind, message } = await failureOf(() => createNetwork(plan, { device }));
    device.destroy();
    expect(kind).toBe("device");
    expect(message).toBe(
      "Linear needs shader-f16, and the given device offers none; leave out `precision f16`, or use another",
    );
    const gpu = {
      requestAdapter: () => Promise.resolve({ limits: {}, features: new Set(), info: {} }),
    } as unknown as GPU;
    const other = { ...plan, requiredFeatures: ["subgroups"] };
    expect((await failureOf(() => createNetwork(other, { gpu }))).message).toBe(
      "Linear needs subgroups, and the adapter offers none",
    );
  });

  test("numbers in half precision are read as such where they are not finite", async () => {
    const plan = linearPlan();
    const { images, labels } = linearData(4);
    const training = plan.training as NonNullable<NetworkPlan["training"]>;
    const [first, ...rest] = training.dispatches;
    const bindings = first?.bindings.map((each) =>
      each.writes && each.buffer === 4 ? { ...each, half: true as const } : each,
    );
    const half = { ...plan, training: { ...training, dispatches: [{ ...first, bindings }, ...rest] } } as NetworkPlan;
    // Every logit is a bias: as an f32 a finite number, as two f16 the second of which is infinite, or no number.
    for (const [bits, kind] of [
      [0x3f807c00, "infinity"],
      [0x3f807c01, "NaN"],
      [0x3f807bff, undefined],
    ] as const) {
      const network = await createNetwork(half, { device: opened.device });
      const bias = new Float32Array(new Uint32Array(3).fill(bits).buffer);
      network.loadStateDict({ ...(await network.stateDict()), "fc.weight": new Float32Array(12), "fc.bias": bias });
      expect((await network.firstNotFinite(images, labels))?.kind).toBe(kind);
      network.destroy();
    }
  });

  test("no WebGPU, no adapter", async () => {
    const saved = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
    try {
      expect((await failureOf(() => createNetwork(linearPlan()))).message).toContain("cnnc/node");
    } finally {
      if (saved) Object.defineProperty(globalThis, "navigator", saved);
    }
    const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    expect((await failureOf(() => createNetwork(linearPlan(), { gpu }))).message).toContain("no WebGPU adapter");
  });

  test("a plan of another format is refused", async () => {
    const plan = { ...linearPlan(), format: 2 } as unknown as NetworkPlan;
    expect((await failureOf(() => createNetwork(plan, { device: opened.device }))).message).toContain(
      "format 1, found 2",
    );
  });

  test("a network for inference only does not train, and training can be prepared later", async () => {
    const { images, labels } = linearData(4);
    const late = await createNetwork(linearPlan(), { device: opened.device, programs: ["inference"] });
    networks.push(late);
    expect((await failureOf(() => late.trainStep(images, labels))).message).toContain('prepare("training")');
    await late.prepare("training");
    expect((await late.trainStep(images, labels).metrics()).loss).toBeGreaterThan(0);

    const { training: _, ...rest } = linearPlan();
    const untrained = await createNetwork({ ...rest, optimizer: [] }, { device: opened.device });
    networks.push(untrained);
    expect((await failureOf(() => untrained.trainStep(images, labels))).message).toContain("without a training recipe");
    expect((await failureOf(() => untrained.saveCheckpoint())).message).toContain("without a training recipe");
    expect(await untrained.predict(images)).toHaveLength(12);
  });
});

describe("destroy", () => {
  test("ends everything with a clear error, and twice is once", async () => {
    const network = await open();
    const { images, labels } = linearData(4);
    const step = network.trainStep(images, labels);
    network.destroy();
    network.destroy();
    expect(network.stats().bytes).toBe(0);
    for (const call of [
      () => step.metrics(),
      () => network.trainStep(images, labels),
      () => network.fit({ images, labels }, { epochs: 1 }),
      () => network.predict(images),
      () => network.evaluate({ images, labels }),
      () => network.gradients(images, labels),
      () => network.save(),
      () => network.load(new Uint8Array(8)),
      () => network.saveCheckpoint(),
      () => network.parameter("fc.bias").read(),
      () => network.parameter("fc.bias").write([0, 0, 0]),
      () => {
        network.init();
      },
      () => {
        network.setRate(1);
      },
      () => network.prepare("gradients"),
    ]) {
      const { kind, message } = await failureOf(call);
      expect(kind).toBe("destroyed");
      expect(message).toContain("was destroyed");
    }
  });

  test("leaves a given device alone and destroys one that it asked for", async () => {
    const network = await open();
    network.destroy();
    const other = await open();
    expect(await other.predict(linearData(1).images)).toHaveLength(3);

    const own = await createNetwork(linearPlan(), { gpu: opened.gpu });
    own.destroy();
    expect((await own.device.lost).reason).toBe("destroyed");
  });
});
