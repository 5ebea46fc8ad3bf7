/** CNN4xxx: device limits. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";

interface ParameterSize {
  readonly name: string;
  readonly sizeBytes: number;
  readonly limitBytes: number;
}

export const parameterTooLarge = defineDiagnostic<ParameterSize>({
  code: "CNN4001",
  severity: "error",
  title: "A parameter larger than a storage binding",
  message: ({ name, sizeBytes, limitBytes }) =>
    `${name} takes ${sizeBytes} bytes, more than the ${limitBytes} that one storage binding of the adapter may have`,
  explanation:
    "WebGPU promises bindings of 128 MiB; an adapter may offer more. A layer whose weight is larger needs fewer features " +
    "or channels, or an input made smaller by pooling first.",
  failing: "model Net {\n  input 3 x 224 x 224\n  flatten\n  linear(4096)\n}\n",
  mended: "model Net {\n  input 3 x 224 x 224\n  max_pool(16)\n  flatten\n  linear(4096)\n}\n",
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
  title: "An activation larger than a storage binding",
  message: ({ layer, sizeBytes, limitBytes, batch }) =>
    `at batch ${batch}, what ${layer} leaves takes ${sizeBytes} bytes, more than the ${limitBytes} that one storage binding of the adapter may have`,
  explanation:
    "Activations grow with the batch, and each lies in one binding, of which WebGPU promises 128 MiB. A smaller batch fits.",
  failing:
    "model Net {\n  input 3 x 224 x 224\n  conv(64, kernel: 3, padding: 1) -> relu\n  max_pool(224) -> flatten\n  linear(2)\n}\n\n" +
    "train Net {\n  data fashion_mnist\n  optimizer sgd(lr: 0.1)\n  batch 64\n}\n",
  mended:
    "model Net {\n  input 3 x 224 x 224\n  conv(64, kernel: 3, padding: 1) -> relu\n  max_pool(224) -> flatten\n  linear(2)\n}\n\n" +
    "train Net {\n  data fashion_mnist\n  optimizer sgd(lr: 0.1)\n  batch 8\n}\n",
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
