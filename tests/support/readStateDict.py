"""Loads a file that `save()` wrote into torch tensors, as a state dict: needs torch and nothing else.

    python3 readStateDict.py lenet.safetensors          prints every tensor as JSON
    from readStateDict import read_state_dict           model.load_state_dict(read_state_dict("lenet.safetensors"))
"""

import json
import struct
import sys

import torch

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read_state_dict(path):
    with open(path, "rb") as file:
        (header_size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_size))
        data = file.read()
    header.pop("__metadata__", None)
    state = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = torch.frombuffer(bytearray(data[start:end]), dtype=DTYPES[entry["dtype"]])
        state[name] = values.reshape(entry["shape"])
    return state


if __name__ == "__main__":
    listed = {
        name: {"dtype": str(tensor.dtype), "shape": list(tensor.shape), "values": tensor.flatten().tolist()}
        for name, tensor in read_state_dict(sys.argv[1]).items()
    }
    print(json.dumps(listed))
