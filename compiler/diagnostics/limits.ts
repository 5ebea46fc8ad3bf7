/** CNN4xxx: device limits. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";

interface ParameterSize {
  readonly name: string;
  readonly rowBytes: number;
  readonly limitBytes: number;
}

export const parameterTooLarge = defineDiagnostic<ParameterSize>({
  code: "CNN4001",
  severity: "error",
  title: "A parameter that no storage binding can hold even in slabs",
  message: ({ name, rowBytes, limitBytes }) =>
    `${name} takes ${rowBytes} bytes for one output, more than the ${limitBytes} that one storage binding of the adapter may have`,
  explanation:
    "WebGPU promises bindings of 128 MiB; an adapter may offer more. A weight larger than that is kept in slabs of some outputs " +
    "each, but the weights of one output stay together. Fewer input channels or features, or a smaller kernel, fit.",
  failing:
    "model Net {\n  input 4096 x 8 x 8\n  conv(2, kernel: 91, padding: 45)\n  global_avg_pool -> flatten -> linear(2)\n}\n",
  mended:
    "model Net {\n  input 4096 x 8 x 8\n  conv(2, kernel: 7, padding: 3)\n  global_avg_pool -> flatten -> linear(2)\n}\n",
});

interface ActivationSize {
  readonly layer: string;
  readonly sizeBytes: number;
  readonly limitBytes: number;
  readonly batch: number;
}

export const activationTooLarge = defineDiagnostic<ActivationSize>({
  code: "CNN4002",
  severity: "error",
  title: "An activation that no storage binding can hold even in slabs",
  message: ({ layer, sizeBytes, limitBytes, batch }) =>
    `at batch ${batch}, what ${layer} leaves takes ${sizeBytes} bytes, more than the ${limitBytes} that one storage binding of the adapter may have`,
  explanation:
    "WebGPU promises bindings of 128 MiB; an adapter may offer more. An activation larger than that is kept in up to 64 slabs of " +
    "some samples each, but one sample stays together. A smaller batch, fewer channels or a smaller image fits.",
  failing:
    "model Net {\n  input 3 x 2048 x 2048\n  conv(16, kernel: 3, padding: 1)\n  global_avg_pool -> flatten -> linear(2)\n}\n",
  mended:
    "model Net {\n  input 3 x 2048 x 2048\n  conv(16, kernel: 3, stride: 4, padding: 1)\n  global_avg_pool -> flatten -> linear(2)\n}\n",
});

interface MemoryShare {
  readonly wanted: number;
  readonly reached: number;
  readonly heldBytes: number;
  readonly wholeBytes: number;
}

export const memoryNotReached = defineDiagnostic<MemoryShare>({
  code: "CNN4004",
  severity: "error",
  title: "Fewer activations than computing again can do with",
  message: ({ wanted, reached, heldBytes, wholeBytes }) =>
    `memory ${wanted} is not to be had: computing again, the step holds at least ${heldBytes} of ${wholeBytes} bytes of activations, a share of ${reached}`,
  explanation:
    "`memory` is the share of the forward pass's values that a step may hold for its backward pass; the rest is computed again " +
    "there. What crosses from one stretch of the network to the next must be held, and so must one stretch at a time.",
  failing:
    "model Net {\n  input 1 x 28 x 28\n  conv(4, kernel: 3) -> relu -> flatten -> linear(10)\n}\n\n" +
    "train Net {\n  data fashion_mnist\n  optimizer sgd(lr: 0.1)\n  memory 0.1\n}\n",
  mended:
    "model Net {\n  input 1 x 28 x 28\n  conv(4, kernel: 3) -> relu -> flatten -> linear(10)\n}\n\n" +
    "train Net {\n  data fashion_mnist\n  optimizer sgd(lr: 0.1)\n  memory 1\n}\n",
});

interface BindingCount {
  readonly ops: string;
  readonly count: number;
  readonly limit: number;
}

export const tooManyBindings = defineDiagnostic<BindingCount>({
  code: "CNN4003",
  severity: "error",
  title: "A kernel of too many tensors",
  message: ({ ops, count, limit }) =>
    `${ops} reads and writes ${count} tensors at once, and a kernel of the adapter may bind ${limit}`,
  explanation:
    "WebGPU promises eight storage buffers a kernel. Long sums and joins are cut by the compiler; the loss of very many heads is " +
    "not, since it adds the losses of all of them at once.",
  failing:
    "model Net {\n  input 4\n  linear(3)\n" +
    ["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => `  head ${name} { linear(3) }\n`).join("") +
    '}\n\ntrain Net {\n  data arrays("x.npy", "y.npy")\n  optimizer sgd(lr: 0.1)\n}\n',
  mended:
    "model Net {\n  input 4\n  linear(3)\n  head a { linear(3) }\n}\n\n" +
    'train Net {\n  data arrays("x.npy", "y.npy")\n  optimizer sgd(lr: 0.1)\n}\n',
});
