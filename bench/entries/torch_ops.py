"""The ops of a network that describeNetwork.ts wrote, as PyTorch has them."""

import torch
import torch.nn.functional as F


def pool_arguments(attrs):
    return dict(kernel_size=attrs["kernel"], stride=attrs["stride"], padding=attrs["padding"])


def run(op, attrs, shape, inputs, training):
    """One node: its inputs by name, and the shape of one sample's output."""
    if op == "conv":
        bias = inputs.get("bias")
        return F.conv2d(
            inputs["x"], inputs["weight"], bias, attrs["stride"], attrs["padding"], attrs["dilation"], attrs["groups"]
        )
    if op == "linear":
        return F.linear(inputs["x"], inputs["weight"], inputs.get("bias"))
    if op == "relu":
        return torch.relu(inputs["x"])
    if op == "sigmoid":
        return torch.sigmoid(inputs["x"])
    if op == "max_pool":
        return F.max_pool2d(inputs["x"], **pool_arguments(attrs))
    if op == "avg_pool":
        return F.avg_pool2d(inputs["x"], **pool_arguments(attrs))
    if op == "reshape":
        return inputs["x"].reshape([len(inputs["x"])] + shape)
    if op == "concat":
        return torch.cat(list(inputs.values()), 1)
    if op == "add":
        return sum(list(inputs.values())[1:], list(inputs.values())[0])
    if op == "batch_norm":
        running = (inputs["running_mean"], inputs["running_var"])
        return F.batch_norm(
            inputs["x"], *running, inputs["weight"], inputs["bias"], training, attrs["momentum"], attrs["eps"]
        )
    raise ValueError(f"the torch entry has no {op}")


def forward(network, values, training=True):
    """Adds every node's value to `values`, which hold inputs, parameters and running statistics by number; the output."""
    for node in network["nodes"]:
        inputs = {name: values[value] for name, value in node["inputs"].items()}
        values[node["output"]] = run(node["op"], node["attrs"], node["shape"], inputs, training)
    return values[network["output"]]
