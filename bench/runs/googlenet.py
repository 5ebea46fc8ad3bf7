#!/usr/bin/python3
"""GoogLeNet in PyTorch from the weights and on the batches of `train.mjs --minutes`; a line of JSON for each step.

    python3 googlenet.py WEIGHTS.safetensors STEPS [FOLDER OF FASHION-MNIST]
"""
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from fashion import FOLDER, load

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/support"))
from readStateDict import read_state_dict

STAGES = ("3a", "3b"), ("4a", "4b", "4c", "4d", "4e"), ("5a", "5b")


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


def main(weights, steps, folder=FOLDER):
    w = {name: tensor.requires_grad_() for name, tensor in read_state_dict(weights).items()}
    images, labels = load("train", folder)
    for step in range(int(steps)):
        batch = slice(step * 128, (step + 1) * 128)
        x = F.interpolate(torch.from_numpy(images[batch]), 96, mode="bilinear", align_corners=False)
        loss = F.cross_entropy(forward(w, x), torch.from_numpy(labels[batch]))
        for tensor in w.values():
            tensor.grad = None
        loss.backward()
        with torch.no_grad():
            for tensor in w.values():
                tensor -= 0.1 * tensor.grad
        print(json.dumps({"step": step, "loss": loss.item()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
