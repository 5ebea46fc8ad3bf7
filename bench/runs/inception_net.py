#!/usr/bin/python3
"""The small Inception network in PyTorch, one epoch for each seed: how far its test accuracy varies from seed to seed.

    python3 inception_net.py SEED ... [FOLDER OF FASHION-MNIST]
    python3 inception_net.py --from START.safetensors [FOLDER OF FASHION-MNIST]

With --from: one epoch from the first weights and in the order of the images that `train.mjs --start` kept.
"""
import sys
from pathlib import Path

import numpy
import torch
from torch import nn
import torch.nn.functional as F

from fashion import FOLDER, load

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/support"))
from readStateDict import read_state_dict


class InceptionA(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one = nn.Conv2d(channels, 16, 1)
        self.five = nn.Sequential(nn.Conv2d(channels, 16, 1), nn.Conv2d(16, 24, 5, padding=2))
        self.three = nn.Sequential(
            nn.Conv2d(channels, 16, 1), nn.Conv2d(16, 24, 3, padding=1), nn.Conv2d(24, 24, 3, padding=1)
        )
        self.pooled = nn.Conv2d(channels, 24, 1)

    def forward(self, x):
        pooled = self.pooled(F.avg_pool2d(x, 3, 1, 1))
        return torch.cat([self.one(x), self.five(x), self.three(x), pooled], 1)


def inception_net():
    stage = lambda channels, width: [nn.Conv2d(channels, width, 5), nn.MaxPool2d(2), nn.ReLU(), InceptionA(width)]
    return nn.Sequential(*stage(1, 10), *stage(88, 20), nn.Flatten(), nn.Linear(1408, 10))


def normalised(folder, split):
    images, labels = load(split, folder)
    return (torch.from_numpy(images) - 0.1307) / 0.3081, torch.from_numpy(labels)


def train_epoch(net, order, train, test):
    """Trains on every image once; the share of the test images that the network names rightly after it."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.5)
    for batch in order.split(64):
        optimizer.zero_grad()
        F.cross_entropy(net(train[0][batch]), train[1][batch]).backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in zip(test[0].split(1000), test[1].split(1000)))
    return right / len(test[1])


def main(*words):
    start = words[1] if words[0] == "--from" else None
    words = words if start is None else words[2:]
    seeds = [int(word) for word in words if word.isdigit()]
    folder = next((word for word in words if not word.isdigit()), FOLDER)
    train, test = normalised(folder, "train"), normalised(folder, "t10k")
    if start is not None:
        net = inception_net()
        tensors = read_state_dict(start)
        # Both networks define their layers in one order.
        layers = [f"{stage}{each}" for stage in ("1", "2") for each in ["", *(f".conv{i}" for i in range(1, 8))]]
        names = [f"conv{each}" if len(each) == 1 else f"inception_a{each}" for each in layers] + ["linear1"]
        with torch.no_grad():
            parameters = [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
            for parameter, name in zip(net.parameters(), parameters, strict=True):
                assert parameter.shape == tensors[name].shape, name
                parameter.copy_(tensors[name])
        order = torch.from_numpy(numpy.fromfile(f"{start}.order", dtype=numpy.uint32).astype(numpy.int64))
        print(f"from {start}: {train_epoch(net, order, train, test):.2%} of the test images", flush=True)
    for seed in seeds:
        torch.manual_seed(seed)
        accuracy = train_epoch(inception_net(), torch.randperm(60000), train, test)
        print(f"seed {seed}: {accuracy:.2%} of the test images", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
