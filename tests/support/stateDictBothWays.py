"""A small torch model's state dict as a safetensors file, and back: needs torch and nothing else.

    python3 stateDictBothWays.py write model.safetensors     trains a little, writes the file, prints the logits of fixed images
    python3 stateDictBothWays.py read model.safetensors      loads the file into the model (strictly), prints them too
"""

import json
import struct
import sys

import torch
from torch import nn

from readStateDict import read_state_dict

DTYPES = {torch.float32: "F32", torch.int64: "I64"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3)
        self.batch_norm1 = nn.BatchNorm2d(3)
        self.linear1 = nn.Linear(27, 4)

    def forward(self, x):
        return self.linear1(torch.relu(self.batch_norm1(self.conv1(x))).flatten(1))


def write_state_dict(state, path):
    header, data = {}, b""
    for name, tensor in state.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    torch.manual_seed(1)
    model = Net()
    images = (torch.arange(2 * 25) % 7).reshape(2, 1, 5, 5) / 7
    if sys.argv[1] == "write":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), torch.tensor([1, 3])).backward()
            optimizer.step()
        write_state_dict(model.state_dict(), sys.argv[2])
    else:
        model.load_state_dict(read_state_dict(sys.argv[2]), strict=True)
    model.eval()
    print(json.dumps(model(images).flatten().tolist()))
