"""PyTorch on the CPU: the same steps in another language, as a yardstick. Arguments: the JSON object that measure.mjs takes."""

import json
import os
import sys
import time
from array import array

arguments = json.loads(sys.argv[1])
folder = arguments["folder"]
began = time.perf_counter()
import torch
import torch.nn.functional as F
from torch_ops import forward

load_seconds = time.perf_counter() - began
with open(os.path.join(folder, "network.json")) as file:
    network = json.load(file)


def read(name, kind):
    numbers = array(kind)
    with open(os.path.join(folder, name), "rb") as file:
        numbers.frombytes(file.read())
    return torch.tensor(numbers)


batch = network["batch"]
images = read("images.bin", "f").reshape([-1, batch] + network["inputShape"])
labels = read("labels.bin", "I").to(torch.int64).reshape(-1, batch)
initial = read("weights.bin", "f")
torch.set_num_threads(os.cpu_count())

cold_begin = (time.perf_counter(), time.process_time())


def place(tensor, trained):
    size = 1
    for n in tensor["shape"]:
        size *= n
    values = initial[tensor["offset"] : tensor["offset"] + size].reshape(tensor["shape"]).clone()
    return values.requires_grad_(trained)


parameters = {tensor["value"]: place(tensor, True) for tensor in network["parameters"]}
states = {tensor["value"]: place(tensor, False) for tensor in network["states"]}
optimizer = torch.optim.SGD(parameters.values(), lr=network["rate"], momentum=network["momentum"])


def train(index):
    values = {**parameters, **states, network["input"]: images[index % len(images)]}
    loss = F.cross_entropy(forward(network, values), labels[index % len(labels)])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def predict(index):
    """The logits; running statistics stand in for the batch's, as after eval()."""
    values = {**parameters, **states, network["input"]: images[index % len(images)]}
    with torch.no_grad():
        return forward(network, values, training=False)


training = arguments["program"] == "training"


def timed(index, begin=None):
    wall, cpu = begin or (time.perf_counter(), time.process_time())
    outcome = train(index) if training else predict(index)
    sample = {"wallSeconds": time.perf_counter() - wall, "cpuSeconds": time.process_time() - cpu}
    return outcome if training else outcome.square().mean().item(), sample


outcome, cold = timed(0, cold_begin)
outcomes = [outcome, timed(1)[0]]
samples = []
deadline = time.perf_counter() + arguments["seconds"]
while len(samples) < arguments["steps"] and (len(samples) < 2 or time.perf_counter() < deadline):
    outcome, sample = timed(len(outcomes))
    outcomes.append(outcome)
    samples.append(sample)

with open(arguments["result"], "w") as file:
    report = dict(loadSeconds=load_seconds, cold=cold, steps=samples, outcomes=outcomes[:4])
    json.dump(dict(report, adapter=f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"), file)
