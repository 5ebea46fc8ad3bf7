#!/usr/bin/python3
"""GoogLeNet in PyTorch from the weights and on the batches of `train.mjs --minutes`; a line of JSON for each step.

    python3 googlenet.py WEIGHTS.safetensors STEPS [FOLDER OF FASHION-MNIST]
"""
import gzip
import json
import struct
import sys
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

STAGES = ("3a", "3b"), ("4a", "4b", "4c", "4d", "4e"), ("5a", "5b")


def read_safetensors(path):
    raw = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        values = numpy.frombuffer(raw[start:end], dtype="<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy()).requires_grad_()
    return tensors


def forward(w, x):
    def conv(name, x, **how):
        return torch.relu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how))

    def inception(name, x):
        one = conv(f"{name}.conv1", x)
        three = conv(f"{name}.conv3", conv(f"{name}.conv2", x), padding=1)
        five = conv(f"{name}.conv5", conv(f"{name}.conv4", x), padding=2)
        pooled = conv(f"{name}.conv6", F.max_pool2d(x, 3, 1, 1))
        return torch.cat([one, three, five, pooled], 1)

    x = F.max_pool2d(conv("conv1", x, stride=2, padding=3), 3, 2, 1)
    x = conv("conv3", conv("conv2", x), padding=1)
    for stage in STAGES:
        x = F.max_pool2d(x, 3, 2, 1)
        for block in stage:
            x = inception(f"inception{block}", x)
    return F.linear(x.mean((2, 3)), w["linear1.weight"], w["linear1.bias"])


def read_idx(path, offset):
    return numpy.frombuffer(gzip.open(path).read(), dtype=numpy.uint8)[offset:]


def main(weights, steps, folder="/usr/share/datasets/fashion-mnist"):
    w = read_safetensors(weights)
    images = read_idx(f"{folder}/train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = read_idx(f"{folder}/train-labels-idx1-ubyte.gz", 8)
    for step in range(int(steps)):
        batch = slice(step * 128, (step + 1) * 128)
        x = F.interpolate(torch.from_numpy(images[batch] / numpy.float32(255)), 96, mode="bilinear", align_corners=False)
        loss = F.cross_entropy(forward(w, x), torch.from_numpy(labels[batch].astype(numpy.int64)))
        for tensor in w.values():
            tensor.grad = None
        loss.backward()
        with torch.no_grad():
            for tensor in w.values():
                tensor -= 0.1 * tensor.grad
        print(json.dumps({"step": step, "loss": loss.item()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
