"""Turns a torch module into a conformance case (format: ../cases/README.md).

The module is an ordinary `torch.nn.Module`. torch.fx traces it, which gives the order in which its layers are used and
the lines of the case's `architecture`; its parameters are filled by the format's formula in that order. It runs in
float64, which gives the expectations; in float32; and in float32 with a small random error in the output of every
convolution and linear layer. The tolerances follow from the latter two, as the format's README says.
"""
import copy
import json
import math
import operator
import statistics
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import fx, nn

FORMAT = "cnn-conformance/1"
SAMPLES = 32           # sampled elements of a tensor that is not stored in full
FULL_LIMIT = {"block": 4096, "network": 256}   # largest tensor stored in full; 256 are about the size of its samples
PERTURBATION = 1e-6    # size of the extra error, relative to the mean |output| of the layer
PERTURBED_RUNS = 2
BASE_TOLERANCE = {"block": 1e-4, "network": 1e-3}
FLOOR = {"block": 1e-2, "network": 1e-3}       # smallest size of a gradient that an error is taken against


# ---------------------------------------------------------------- deterministic fill

def fnv1a(text):
    """32-bit FNV-1a of the UTF-8 bytes."""
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def hash_u32(seed, count):
    """The u32 hash of element indices 0..count-1 (murmur3 finalizer of i*K + seed)."""
    x = np.arange(count, dtype=np.uint32)
    x *= np.uint32(2654435761)
    x += np.uint32(seed)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x


def fill_values(spec):
    """The float32 tensor of a {shape, fill: {seed, scale, offset}}."""
    fill = spec["fill"]
    u = hash_u32(fill["seed"], math.prod(spec["shape"])).astype(np.float64) / 4294967296.0 * 2.0 - 1.0
    return torch.from_numpy((u * fill["scale"] + fill["offset"]).astype(np.float32).reshape(spec["shape"]))


def tensor_spec(case, name, role, shape, scale=1.0, offset=0.0, **extra):
    fill = {"seed": fnv1a(f"{case}/{name}"), "scale": scale, "offset": offset}
    return {"name": name, "role": role, **extra, "shape": list(shape), "fill": fill}


def parameter_specs(case, layer, module):
    """(spec, tensor) of each parameter and running statistic of a layer, in the format's order and with its scales."""
    found = []

    def put(role, tensor, scale, offset=0.0):
        found.append((tensor_spec(case, f"{layer}.{role}", role, tensor.shape, scale, offset, layer=layer), tensor))

    if isinstance(module, nn.BatchNorm2d):
        put("gamma", module.weight, 0.1, 1.0)
        put("beta", module.bias, 0.1)
        put("running_mean", module.running_mean, 0.1)
        put("running_var", module.running_var, 0.5, 1.0)
    elif isinstance(module, (nn.Conv2d, nn.Linear)):
        put("weight", module.weight, math.sqrt(6 / math.prod(module.weight.shape[1:])))
        if module.bias is not None:
            put("bias", module.bias, 0.1)
    return found


# ---------------------------------------------------------------- running a module

def text_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value)


def pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def describe(layer, m):
    """Operation and attributes of a layer, as an architecture line has them."""
    if isinstance(m, nn.Conv2d):
        return "conv2d", dict(layer=layer, **{"in": m.in_channels}, out=m.out_channels, kernel=m.kernel_size, stride=m.stride,
                              padding=m.padding, dilation=m.dilation, groups=m.groups, bias=m.bias is not None)
    if isinstance(m, nn.Linear):
        return "linear", dict(layer=layer, **{"in": m.in_features}, out=m.out_features, bias=m.bias is not None)
    if isinstance(m, nn.BatchNorm2d):
        return "batchnorm2d", dict(layer=layer, channels=m.num_features, eps=m.eps, momentum=m.momentum)
    if isinstance(m, nn.MaxPool2d):
        return "maxpool2d", dict(kernel=pair(m.kernel_size), stride=pair(m.stride), padding=pair(m.padding), ceil_mode=m.ceil_mode)
    if isinstance(m, nn.AvgPool2d):
        return "avgpool2d", dict(kernel=pair(m.kernel_size), stride=pair(m.stride), padding=pair(m.padding),
                                 count_include_pad=m.count_include_pad)
    if isinstance(m, nn.AdaptiveAvgPool2d):
        return ("global_avgpool", {}) if m.output_size == 1 else ("adaptive_avgpool2d", dict(output=pair(m.output_size)))
    if isinstance(m, nn.Dropout):
        return "dropout", dict(p=m.p, active=False)
    return {nn.ReLU: "relu", nn.ReLU6: "relu6", nn.Sigmoid: "sigmoid", nn.SiLU: "silu", nn.Hardswish: "hard_swish",
            nn.Hardsigmoid: "hard_sigmoid", nn.Flatten: "flatten", nn.ChannelShuffle: "channel_shuffle"}[type(m)], {}


FUNCTIONS = {operator.add: "add", operator.mul: "multiply", torch.cat: "concat"}


class Runner(fx.Interpreter):
    """Runs a traced module node by node: fills its layers' parameters, writes its architecture, disturbs it if asked to."""

    def __init__(self, case, module, dtype, noise=None):
        module = copy.deepcopy(module).to(dtype).train()
        for m in module.modules():
            if isinstance(m, nn.Dropout):
                m.eval()   # dropout is never active in a case
        super().__init__(fx.symbolic_trace(module))
        self.noise, self.lines, self.labels = noise, [], {}
        self.specs, self.tensors = OrderedDict(), OrderedDict()
        for node in self.module.graph.nodes:
            if node.op == "call_module":
                for spec, tensor in parameter_specs(case, node.target, self.fetch_attr(node.target)):
                    assert spec["name"] not in self.specs, "a layer is used twice"
                    with torch.no_grad():
                        tensor.copy_(fill_values(spec))
                    self.specs[spec["name"]], self.tensors[spec["name"]] = spec, tensor

    def run_node(self, node):
        result = super().run_node(node)
        if node.op == "output":
            named = node.args[0] if isinstance(node.args[0], dict) else {"output": node.args[0]}
            self.lines.append("return " + " ".join(f"{k}={self.labels[v]}" for k, v in named.items()))
            return result
        attrs, operands = {}, node.all_input_nodes
        if node.op == "placeholder":
            op, attrs = "input", dict(name=node.target)
        elif node.op == "call_module":
            layer = self.fetch_attr(node.target)
            op, attrs = describe(node.target, layer)
            if self.noise is not None and isinstance(layer, (nn.Conv2d, nn.Linear)):
                r = torch.rand(result.shape, generator=self.noise, dtype=result.dtype) * 2 - 1
                result = result + PERTURBATION * result.detach().abs().mean() * r
        else:
            op = FUNCTIONS[node.target]
            if op == "concat":
                attrs = dict(axis=1)
        self.labels[node] = f"%{len(self.labels)}"
        words = [f"{self.labels[node]} = {op}({', '.join(self.labels[n] for n in operands)})"]
        words += [f"{k}={text_of(v)}" for k, v in attrs.items()]
        self.lines.append(" ".join(words) + " -> " + "x".join(map(str, result.shape)))
        return result

    def named(self, trainable):
        return [(n, t) for n, t in self.tensors.items() if self.specs[n]["role"].startswith("running_") != trainable]


def run(case, module, dtype, noise=None):
    """One forward and backward pass: the results of each group, and the runner."""
    runner = Runner(case["name"], module, dtype, noise)
    x = fill_values(case["inputs"][0]).to(dtype).requires_grad_()
    outputs = runner.run(x)
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    loss, scale = loss_of(case, outputs, dtype)
    loss.backward()
    result = OrderedDict(outputs={k: v.detach() for k, v in outputs.items()}, loss=loss.item(), loss_scale=scale)
    if case["kind"] == "block":
        result["input_grads"] = {case["inputs"][0]["name"]: x.grad}
    result["grads"] = OrderedDict((n, t.grad) for n, t in runner.named(True))
    result["buffers_after"] = OrderedDict((n, t.clone()) for n, t in runner.named(False))
    return result, runner


def loss_of(case, outputs, dtype):
    """The scalar that is differentiated, and the size that its error is relative to: a dot product may cancel."""
    if case["kind"] == "block":
        case["loss"]["cotangent"] = tensor_spec(case["name"], "cotangent", "cotangent", outputs["output"].shape)
        loss = (outputs["output"] * fill_values(case["loss"]["cotangent"]).to(dtype)).sum()
        return loss, max(outputs["output"].norm().item(), abs(loss.item()))
    labels, weights = torch.tensor(case["labels"]), case["loss"].get("weights", {"output": 1.0})
    loss = sum(w * F.cross_entropy(outputs[k], labels) for k, w in weights.items())
    return loss, abs(loss.item())


# ---------------------------------------------------------------- errors and tolerances

def max_abs(t):
    return t.abs().max().item()


def rms(t):
    return t.double().pow(2).mean().sqrt().item()


def error(actual, expected, size, floor=0.0):
    difference = size(actual.double() - expected)
    return difference / max(size(expected), floor) if difference else 0.0


def errors_of(result, exact, size, floor):
    """The largest error of each group of results."""
    errors = OrderedDict()
    for group, value in exact.items():
        if group == "loss":
            errors[group] = abs(result[group] - value) / exact["loss_scale"]
        elif group != "loss_scale" and value:
            each = [error(result[group][n], t, size, floor if group == "grads" else 0.0) for n, t in value.items()]
            errors[group] = max(each)
            if group == "grads" and size is rms:   # near-ties touch few tensors: the median stays tight
                errors["grads_median"] = statistics.median(each)
    return errors


def round_up(x):
    """Up to 1, 2 or 5 times a power of ten."""
    if x == 0:
        return 0.0
    scale = 10.0 ** math.floor(math.log10(x))
    return next(float(f"{m * scale:.0e}") for m in (1, 2, 5, 10) if x <= m * scale * (1 + 1e-9))


def significant(errors):
    return OrderedDict((k, float(f"{v:.2e}")) for k, v in errors.items())


def reference(case, key, t, arrays, limit):
    """A tensor in `expect`: in the safetensors file, or by its statistics and samples."""
    t = t.detach().double()
    assert torch.isfinite(t).all(), (case, key)
    if t.numel() <= limit:
        arrays[key] = t.float().numpy()
        return {"tensor": key, "shape": list(t.shape)}
    flat = t.flatten()
    index = (hash_u32(fnv1a(f"{case}/{key}"), SAMPLES) % np.uint32(flat.numel())).tolist()
    values = flat[torch.tensor(index)].float().tolist()
    return {"shape": list(t.shape), "l2": flat.norm().item(), "sum": flat.sum().item(), "mean": flat.mean().item(),
            "max_abs": max_abs(flat), "rms": rms(flat), "samples": [[i, float(f"{v:.9g}")] for i, v in zip(index, values)]}


# ---------------------------------------------------------------- a case

def make_network_case(name, summary, module, shape, classes, weights=None, input_name="x"):
    """A case of a whole network: mean cross entropy, errors by root mean squares."""
    loss = {"kind": "cross_entropy", "reduction": "mean", "label_smoothing": 0.0}
    if weights:
        loss["weights"] = weights
    labels = [(i * 7 + 3) % classes for i in range(shape[0])]
    return make_case(name, "network", summary, module, shape, input_name, loss, rms, classes=classes, labels=labels)


def make_block_case(name, summary, module, shape):
    """A case of a block: a dot product with a filled tensor, the gradient of the input too, the largest errors."""
    return make_case(name, "block", summary, module, shape, "x", {"kind": "dot"}, max_abs)


def make_case(name, kind, summary, module, shape, input_name, loss, size, **more):
    """The JSON object of a case, and its stored arrays."""
    case = OrderedDict(format=FORMAT, name=name, kind=kind, summary=summary, mode="train", loss=loss, **more)
    case["inputs"] = [tensor_spec(name, input_name, "input", shape)]
    exact, runner = run(case, module, torch.float64)
    case["num_params"] = sum(t.numel() for _, t in runner.named(True))
    case["full_limit"], case["measure"] = FULL_LIMIT[kind], "rms" if size is rms else "max"
    floor = FLOOR[kind] * max(map(size, exact["grads"].values()))
    result = run(case, module, torch.float32)[0]
    single = errors_of(result, exact, size, floor)
    strict = max(error(result["grads"][n], t, max_abs, floor) for n, t in exact["grads"].items())
    perturbed = OrderedDict((k, 0.0) for k in single)
    for i in range(PERTURBED_RUNS):
        noise = torch.Generator().manual_seed(fnv1a(name) + i)
        found = errors_of(run(case, module, torch.float32, noise)[0], exact, size, floor)
        perturbed = OrderedDict((k, max(v, found[k])) for k, v in perturbed.items())
    case["tolerance"] = OrderedDict(
        (k, max(BASE_TOLERANCE[kind], round_up(3 * max(single[k], perturbed[k])))) for k in single)
    case["architecture"], case["params"] = runner.lines, list(runner.specs.values())

    expect, arrays = OrderedDict(), OrderedDict()
    for group, value in exact.items():
        if group.startswith("loss"):
            expect[group] = value
        elif value:
            expect[group] = OrderedDict(
                (n, reference(name, f"{group}/{n}", t, arrays, case["full_limit"])) for n, t in value.items())
        if group == "grads":
            expect["grad_floor"] = floor
    expect["float32_error"] = significant(single)
    if size is rms:
        expect["float32_error_max"] = {"grads": float(f"{strict:.2e}")}
    expect["perturbed_error"] = significant(perturbed)
    case["expect"] = expect
    order = ["format", "name", "kind", "summary", "mode", "classes", "num_params", "full_limit", "measure", "tolerance", "loss",
             "inputs", "labels", "architecture", "params", "expect"]
    return OrderedDict((k, case[k]) for k in order if k in case), arrays


# ---------------------------------------------------------------- files

def write_safetensors(path, arrays):
    header, offset = {}, 0
    for name, a in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays.values()))


def write_json(path, case):
    """One line per element of the long lists and maps, so that files stay readable."""
    def text(value, depth):
        pad = " " * depth
        nested = isinstance(value, (list, dict)) and len(value) and depth < 4
        if nested and isinstance(value, dict) and depth < 3 and any(isinstance(v, (dict, list)) for v in value.values()):
            items = [f"{pad} {json.dumps(k)}: {text(v, depth + 1)}" for k, v in value.items()]
            return "{\n" + ",\n".join(items) + f"\n{pad}}}"
        if nested and isinstance(value, list) and isinstance(value[0], (dict, str)):
            return "[\n" + ",\n".join(f"{pad} {json.dumps(v)}" for v in value) + f"\n{pad}]"
        return json.dumps(value)
    path.write_text(text(case, 0) + "\n")
