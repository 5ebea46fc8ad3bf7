"""
The bytes that PyTorch keeps for the backward pass of one batch: the storages of all tensors that autograd saves, each counted
once, without parameters and running statistics. Arguments: files that describeNetwork.ts wrote. Prints a JSON list.
"""

import json
import sys

import torch
import torch.nn.functional as F
from torch_ops import forward


def saved_bytes(network):
    batch = network["batch"]
    parameters = {each["value"]: torch.randn(each["shape"]).mul_(0.05).requires_grad_() for each in network["parameters"]}
    states = {each["value"]: torch.rand(each["shape"]) for each in network["states"]}
    own = {tensor.storage().data_ptr() for tensor in [*parameters.values(), *states.values()]}
    # The tensors themselves are kept: a storage that is freed could give its address to another.
    saved = {}

    def pack(tensor):
        if tensor.storage().data_ptr() not in own:
            saved[tensor.storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        images = torch.randn([batch] + network["inputShape"])
        output = forward(network, {**parameters, **states, network["input"]: images})
        loss = F.cross_entropy(output, torch.zeros(batch, dtype=torch.int64))
    assert loss.requires_grad
    return sum(tensor.storage().nbytes() for tensor in saved.values())


networks = [json.load(open(path)) for path in sys.argv[1:]]
print(json.dumps(dict(version=torch.__version__, bytes=[saved_bytes(network) for network in networks])))
