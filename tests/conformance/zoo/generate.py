#!/usr/bin/python3
"""Generates in ../cases the cases of specs/zoo and of the standard blocks that they use, and parameters.json, the numbers
of parameters of the published sizes.

    /usr/bin/python3 generate.py                # everything
    /usr/bin/python3 generate.py resnext zoo_se # only cases whose name contains a word
    /usr/bin/python3 generate.py --tables       # only the tables: ../specs.json and parameters.json

Needs Debian's python3-torch and python3-numpy. What the cases run is small: a few pixels, few channels.
"""
import json
import os
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from caseFormat import make_block_case, make_network_case, write_json, write_safetensors
from networks import (Bottleneck, Fire, GoogLeNet, InceptionV3, InvertedResidual, PreactUnit, SqueezeExcite, bottleneck_resnet,
                      conv_bn, mobilenet_v1, mobilenet_v2, preact_resnet, squeezenet, vgg_bn)

HERE = Path(__file__).resolve().parent


def wide(depth, widen, classes=10):
    return preact_resnet((depth - 4) // 6, 16 * widen, False, classes=classes, dropout=0.3)


def preact(depth, width=16, bottlenecks=True):
    return preact_resnet((depth - 2) // (9 if bottlenecks else 6), width, bottlenecks, first=width)


# name, spec, `--set` of the small form, summary, module, input shape, weights of the heads. An input of another name than x has
# another seed: one with fewer of the near-ties that the format's README explains.
CASES = [
    ("zoo_squeezenet_1_0", "squeezenet", {"size": "64", "width": "0.25", "classes": "10"},
     "SqueezeNet 1.0 at a quarter of its width", lambda: squeezenet("1.0", 0.25, 10), (2, 3, 64, 64)),
    ("zoo_squeezenet_1_1", "squeezenet", {"version": "1.1", "size": "64", "width": "0.25", "classes": "10"},
     "SqueezeNet 1.1 at a quarter of its width", lambda: squeezenet("1.1", 0.25, 10), (2, 3, 64, 64)),
    ("zoo_mobilenet_v1", "mobilenet_v1", {"size": "64", "width": "0.125", "classes": "10"},
     "MobileNet at an eighth of its width", lambda: mobilenet_v1(0.125, 10), {"x13": (2, 3, 64, 64)}),
    ("zoo_mobilenet_v2", "mobilenet_v2", {"size": "48", "width": "0.1", "classes": "10"},
     "MobileNetV2 at a tenth of its width", lambda: mobilenet_v2(0.1, 10), {"x1": (2, 3, 48, 48)}),
    ("zoo_resnext", "resnext", {"depth": "14", "groups": "8", "size": "64", "classes": "10"},
     "ResNeXt with one bottleneck a stage, 8 groups", lambda: bottleneck_resnet(14, 10, groups=8, base=4), (2, 3, 64, 64)),
    ("zoo_se_resnet", "se_resnet", {"depth": "26", "width": "16", "reduction": "4", "size": "64", "classes": "10"},
     "SE-ResNet with two bottlenecks a stage, a quarter of its width",
     lambda: bottleneck_resnet(26, 10, 16, reduction=4), (2, 3, 64, 64)),
    ("zoo_wide_resnet", "wide_resnet", {"depth": "16", "widen": "2", "size": "16"}, "WRN-16-2", lambda: wide(16, 2), (2, 3, 16, 16)),
    ("zoo_wide_resnet50", "wide_resnet50", {"depth": "14", "size": "48", "classes": "10"},
     "wide ResNet with one bottleneck a stage", lambda: bottleneck_resnet(14, 10, base=128), (2, 3, 48, 48)),
    ("zoo_preact_resnet", "preact_resnet", {"depth": "20", "width": "8", "size": "16"},
     "pre-activation ResNet of depth 20 with bottlenecks", lambda: preact(20, 8), (2, 3, 16, 16)),
    ("zoo_preact_resnet_basic", "preact_resnet", {"depth": "14", "width": "8", "size": "16", "bottlenecks": "false"},
     "pre-activation ResNet of depth 14 without bottlenecks", lambda: preact(14, 8, False), (2, 3, 16, 16)),
    ("zoo_inception_v3", "inception_v3",
     {"width": "0.125", "blocks": "(1, 1, 1)", "size": "107", "auxiliary": "false", "classes": "10"},
     "Inception-v3 at an eighth of its width, one block of each kind", lambda: InceptionV3(0.125, (1, 1, 1), False, 10),
     (2, 3, 107, 107)),
    ("zoo_inception_v3_aux", "inception_v3", {"width": "0.0625", "blocks": "(1, 1, 1)", "size": "299", "classes": "10"},
     "Inception-v3 at a sixteenth of its width with its auxiliary classifier", lambda: InceptionV3(0.0625, (1, 1, 1), True, 10),
     (4, 3, 299, 299), {"output": 1.0, "aux": 0.4}),
    ("zoo_googlenet_bn", "googlenet_bn", {"width": "0.125", "size": "96", "classes": "10"},
     "batch-normalised GoogLeNet at an eighth of its width with its auxiliary classifiers", lambda: GoogLeNet(0.125, True, 10),
     {"x6": (4, 3, 96, 96)}, {"output": 1.0, "aux1": 0.3, "aux2": 0.3}),
    ("zoo_vgg_bn", "vgg_bn", {"depth": "11", "width": "0.0625", "size": "64", "classes": "10"},
     "batch-normalised VGG-11 at a sixteenth of its width, its 2x2 averaged to 7x7", lambda: vgg_bn(11, 0.0625, 10), (4, 3, 64, 64)),
]

# Blocks of the standard library: name, summary, module, input shape. Their specs lie in ../specs.
BLOCKS = [
    ("conv_bn", "convolution without bias, batch normalisation, relu; 5x5, stride 2, odd input size",
     lambda: conv_bn(4, 8, 5, 2), (2, 4, 9, 9)),
    ("fire", "SqueezeNet's fire module: 1x1 to 4, then 1x1 to 8 beside 3x3 to 8", lambda: Fire(12, 4, 8), (2, 12, 7, 7)),
    ("depthwise_separable_s2", "MobileNet's separable convolution, stride 2, odd input size",
     lambda: nn.Sequential(conv_bn(8, 8, 3, 2, groups=8), conv_bn(8, 12, 1)), (2, 8, 9, 9)),
    ("inverted_residual", "MobileNetV2's block with the identity beside it, expansion 6",
     lambda: InvertedResidual(4, 4, 1, 6), (2, 4, 6, 6)),
    ("inverted_residual_s2", "MobileNetV2's block, stride 2, expansion 3", lambda: InvertedResidual(4, 6, 2, 3), (2, 4, 7, 7)),
    ("squeeze_excite", "squeeze-and-excitation, reduction 4", lambda: SqueezeExcite(16, 4), (2, 16, 5, 5)),
    ("bottleneck_groups", "ResNeXt's bottleneck: 4 groups of 4 channels, projection",
     lambda: Bottleneck(16, 8, 1, groups=4, base=32), (2, 16, 6, 6)),
    ("bottleneck_attention", "SE-ResNet's bottleneck, identity shortcut, reduction 8",
     lambda: Bottleneck(32, 8, 1, reduction=8), (2, 32, 6, 6)),
    ("preact_block", "pre-activation block of two 3x3 convolutions, identity shortcut",
     lambda: PreactUnit(8, 8, 1, False), (2, 8, 6, 6)),
    ("preact_block_s2", "pre-activation block, stride 2, projection of the activated input",
     lambda: PreactUnit(8, 12, 2, False), (2, 8, 7, 7)),
    ("preact_bottleneck_s2", "pre-activation bottleneck, stride 2, projection", lambda: PreactUnit(16, 6, 2, True), (2, 16, 7, 7)),
]

# spec, `--set`, module at its published size
FULL_SIZES = [
    ("squeezenet", {}, lambda: squeezenet()),
    ("squeezenet", {"version": "1.1"}, lambda: squeezenet("1.1")),
    ("mobilenet_v1", {}, lambda: mobilenet_v1()),
    ("mobilenet_v1", {"width": "0.5"}, lambda: mobilenet_v1(0.5)),
    ("mobilenet_v2", {}, lambda: mobilenet_v2()),
    ("mobilenet_v2", {"width": "0.75"}, lambda: mobilenet_v2(0.75)),
    ("mobilenet_v2", {"width": "1.4"}, lambda: mobilenet_v2(1.4)),
    ("resnext", {}, lambda: bottleneck_resnet(50, groups=32, base=4)),
    ("resnext", {"depth": "101", "width": "8"}, lambda: bottleneck_resnet(101, groups=32, base=8)),
    ("se_resnet", {}, lambda: bottleneck_resnet(50, reduction=16)),
    ("se_resnet", {"depth": "101"}, lambda: bottleneck_resnet(101, reduction=16)),
    ("se_resnet", {"depth": "152"}, lambda: bottleneck_resnet(152, reduction=16)),
    ("wide_resnet", {}, lambda: wide(28, 10)),
    ("wide_resnet", {"depth": "40", "widen": "4", "classes": "100"}, lambda: wide(40, 4, 100)),
    ("wide_resnet50", {}, lambda: bottleneck_resnet(50, base=128)),
    ("wide_resnet50", {"depth": "101"}, lambda: bottleneck_resnet(101, base=128)),
    ("preact_resnet", {}, lambda: preact(164)),
    ("preact_resnet", {"depth": "1001"}, lambda: preact(1001)),
    ("preact_resnet", {"depth": "110", "bottlenecks": "false"}, lambda: preact(110, 16, False)),
    ("inception_v3", {}, lambda: InceptionV3()),
    ("inception_v3", {"auxiliary": "false"}, lambda: InceptionV3(auxiliary=False)),
    ("googlenet_bn", {}, lambda: GoogLeNet()),
    ("googlenet_bn", {"auxiliary": "false"}, lambda: GoogLeNet(auxiliary=False)),
    *[("vgg_bn", {"depth": str(depth)}, lambda depth=depth: vgg_bn(depth)) for depth in (11, 13, 16, 19)],
]


def write_cases(words):
    def chosen(name):
        return not words or any(word in name for word in words)

    for name, summary, build, shape in BLOCKS:
        if chosen(name):
            write_case(*make_block_case(name, summary, build(), shape))
    for name, spec, settings, summary, build, shape, *weights in CASES:
        if chosen(name):
            [(input_name, shape)] = (shape if isinstance(shape, dict) else {"x": shape}).items()
            write_case(*make_network_case(name, summary, build(), shape, 10, *weights, input_name=input_name))


def write_case(case, arrays):
    folder, name = HERE.parent / "cases", case["name"]
    write_json(folder / f"{name}.json", case)
    write_safetensors(folder / f"{name}.safetensors", arrays)
    size = sum(f.stat().st_size for f in folder.glob(f"{name}.*"))
    print(f"{name:26} params={case['num_params']:<9} kB={size / 1024:<6.0f} tolerance {dict(case['tolerance'])}", flush=True)


def write_tables():
    """The spec of each case, in ../specs.json beside those of other networks, and parameters.json."""
    networks = HERE.parent / "specs.json"
    table = json.loads(networks.read_text(), object_pairs_hook=OrderedDict)
    for name, spec, settings, *_ in CASES:
        table[name] = {"spec": f"specs/zoo/{spec}.cnn", "set": settings}
    lines = [entry(name, row) for name, row in table.items()]
    networks.write_text("{\n" + ",\n".join(lines) + "\n}\n")

    rows = [{"spec": spec, "set": settings, "parameters": sum(p.numel() for p in build().parameters())}
            for spec, settings, build in FULL_SIZES]
    (HERE / "parameters.json").write_text("[\n" + ",\n".join(f"  {spaced(row)}" for row in rows) + "\n]\n")
    for row in rows:
        print(f"{row['spec']:16} {row['parameters']:<10} {row['set']}")


def entry(name, row):
    """A member of an object of objects, on one line where it is no longer than prettier has them."""
    line = f"  {json.dumps(name)}: {spaced(row)}"
    if len(line) < 120:
        return line
    members = ",\n".join(f"    {json.dumps(k)}: {spaced(v)}" for k, v in row.items())
    return f"  {json.dumps(name)}: {{\n{members}\n  }}"


def spaced(value):
    """JSON on one line, with spaces inside braces as prettier has them."""
    if not isinstance(value, dict):
        return json.dumps(value)
    items = ", ".join(f"{json.dumps(k)}: {spaced(v)}" for k, v in value.items())
    return f"{{ {items} }}" if items else "{}"


if __name__ == "__main__":
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if "--tables" not in sys.argv:
        write_cases(sys.argv[1:])
    if len(sys.argv) == 1 or "--tables" in sys.argv:
        write_tables()
