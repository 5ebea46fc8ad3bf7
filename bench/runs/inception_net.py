#!/usr/bin/python3
"""The small Inception network in PyTorch, one epoch for each seed: how far its test accuracy varies from seed to seed.

    python3 inception_net.py SEED ... [FOLDER OF FASHION-MNIST]
"""
import sys

import torch
from torch import nn
import torch.nn.functional as F

from fashion import FOLDER, load


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


def main(*words):
    seeds = [int(word) for word in words if word.isdigit()]
    folder = next((word for word in words if not word.isdigit()), FOLDER)
    train, test = normalised(folder, "train"), normalised(folder, "t10k")
    for seed in seeds:
        torch.manual_seed(seed)
        net = inception_net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.5)
        for batch in torch.randperm(60000).split(64):
            optimizer.zero_grad()
            F.cross_entropy(net(train[0][batch]), train[1][batch]).backward()
            optimizer.step()
        with torch.no_grad():
            right = sum((net(x).argmax(1) == y).sum().item() for x, y in zip(test[0].split(1000), test[1].split(1000)))
        print(f"seed {seed}: {right / 100:.2f} % of the test images", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
