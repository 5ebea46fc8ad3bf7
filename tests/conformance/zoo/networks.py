"""The networks of specs/zoo in torch, each written from its paper with the layers in the order of their use."""
import torch
from torch import nn


def conv_bn(inputs, outputs, kernel, stride=1, padding=None, groups=1, activation=nn.ReLU, eps=1e-5):
    """Convolution without bias, batch normalisation, activation (or none)."""
    padding = kernel // 2 if padding is None else padding
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outputs, eps)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def classifier(inputs, classes, dropout=None):
    middle = [nn.Dropout(dropout)] if dropout else []
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *middle, nn.Linear(inputs, classes)]


# ---------------------------------------------------------------- SqueezeNet

class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(inputs, squeeze, 1), nn.ReLU())
        self.expand1x1 = nn.Sequential(nn.Conv2d(squeeze, expand, 1), nn.ReLU())
        self.expand3x3 = nn.Sequential(nn.Conv2d(squeeze, expand, 3, padding=1), nn.ReLU())

    def forward(self, x):
        x = self.squeeze(x)
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1)


def squeezenet(version="1.0", width=1.0, classes=1000):
    def scaled(n):
        return int(n * width)

    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    def fire(inputs, squeeze, expand):
        return Fire(scaled(inputs), scaled(squeeze), scaled(expand))

    if version == "1.0":
        features = [nn.Conv2d(3, scaled(96), 7, 2), nn.ReLU(), pool(), fire(96, 16, 64), fire(128, 16, 64), fire(128, 32, 128),
                    pool(), fire(256, 32, 128), fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256), pool(),
                    fire(512, 64, 256)]
    else:
        features = [nn.Conv2d(3, scaled(64), 3, 2), nn.ReLU(), pool(), fire(64, 16, 64), fire(128, 16, 64), pool(),
                    fire(128, 32, 128), fire(256, 32, 128), pool(), fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256),
                    fire(512, 64, 256)]
    return nn.Sequential(*features, nn.Dropout(0.5), nn.Conv2d(scaled(512), classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten())


# ---------------------------------------------------------------- MobileNets

def mobilenet_v1(width=1.0, classes=1000):
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    channels = int(32 * width)
    layers = [conv_bn(3, channels, 3, 2)]
    for outputs, stride in rows:
        outputs = int(outputs * width)
        layers += [conv_bn(channels, channels, 3, stride, groups=channels), conv_bn(channels, outputs, 1)]
        channels = outputs
    return nn.Sequential(*layers, *classifier(channels, classes))


def rounded_to_eight(value):
    """The authors' rule: the nearest multiple of 8, at least 8, and no more than a tenth below the value."""
    near = max(8, int(value + 4) // 8 * 8)
    return near + 8 if near < 0.9 * value else near


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        layers = [] if expansion == 1 else [conv_bn(inputs, hidden, 1, activation=nn.ReLU6)]
        layers += [conv_bn(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6), conv_bn(hidden, outputs, 1, activation=None)]
        self.body, self.keeps = nn.Sequential(*layers), stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.keeps else self.body(x)


def mobilenet_v2(width=1.0, classes=1000):
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    channels = rounded_to_eight(32 * width)
    layers = [conv_bn(3, channels, 3, 2, activation=nn.ReLU6)]
    for t, c, n, s in rows:
        for i in range(n):
            layers.append(InvertedResidual(channels, rounded_to_eight(c * width), s if i == 0 else 1, t))
            channels = rounded_to_eight(c * width)
    last = rounded_to_eight(1280 * max(1.0, width))
    return nn.Sequential(*layers, conv_bn(channels, last, 1, activation=nn.ReLU6), *classifier(last, classes, 0.2))


# ---------------------------------------------------------------- ResNet's descendants

class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels // reduction, 1), nn.ReLU(),
                                  nn.Conv2d(channels // reduction, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.gate(x)


class Bottleneck(nn.Module):
    """With `groups` and `base` ResNeXt's or a wide network's, with `reduction` that of an SE-ResNet."""

    def __init__(self, inputs, channels, stride, groups=1, base=64, reduction=None):
        super().__init__()
        inner, outputs = channels * base // 64 * groups, 4 * channels
        attention = [SqueezeExcite(outputs, reduction)] if reduction else []
        self.body = nn.Sequential(conv_bn(inputs, inner, 1), conv_bn(inner, inner, 3, stride, groups=groups),
                                  conv_bn(inner, outputs, 1, activation=None), *attention)
        self.shortcut = conv_bn(inputs, outputs, 1, stride, activation=None) if stride != 1 or inputs != outputs else None
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.body(x)
        return self.relu(y + (x if self.shortcut is None else self.shortcut(x)))


LAYERS = {14: (1, 1, 1, 1), 26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def bottleneck_resnet(depth, classes=1000, width=64, **options):
    layers, channels = [conv_bn(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)], width
    for stage, n in enumerate(LAYERS[depth]):
        for i in range(n):
            layers.append(Bottleneck(channels, width << stage, 2 if stage and i == 0 else 1, **options))
            channels = 4 * (width << stage)
    return nn.Sequential(*layers, *classifier(channels, classes))


class PreactUnit(nn.Module):
    """Normalisation and relu in front of each convolution; the shortcut projects the activated input where it must."""

    def __init__(self, inputs, channels, stride, is_bottleneck, dropout=None):
        super().__init__()
        outputs = 4 * channels if is_bottleneck else channels
        self.first = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())

        def conv(i, o, kernel, s=1):
            return nn.Conv2d(i, o, kernel, s, kernel // 2, bias=False)

        def between():
            return [nn.BatchNorm2d(channels), nn.ReLU()]

        if is_bottleneck:
            self.body = nn.Sequential(conv(inputs, channels, 1), *between(), conv(channels, channels, 3, stride), *between(),
                                      conv(channels, outputs, 1))
        else:
            self.body = nn.Sequential(conv(inputs, channels, 3, stride), *between(), *([nn.Dropout(dropout)] if dropout else []),
                                      conv(channels, channels, 3))
        self.shortcut = conv(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else None

    def forward(self, x):
        active = self.first(x)
        y = self.body(active)
        return y + (x if self.shortcut is None else self.shortcut(active))


def preact_resnet(n, width, is_bottleneck, first=16, classes=10, dropout=None):
    """`n` units in each of three stages of `width`, 2 `width` and 4 `width` channels; `first` channels before them."""
    layers, channels = [nn.Conv2d(3, first, 3, padding=1, bias=False)], first
    for stage in range(3):
        for i in range(n):
            layers.append(PreactUnit(channels, width << stage, 2 if stage and i == 0 else 1, is_bottleneck, dropout))
            channels = (4 if is_bottleneck else 1) * (width << stage)
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *classifier(channels, classes))


# ---------------------------------------------------------------- Inception-v3

class Branches(nn.Module):
    """Branches side by side, their results joined along the channels."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class InceptionV3(nn.Module):
    def __init__(self, width=1.0, blocks=(3, 4, 2), auxiliary=True, classes=1000):
        super().__init__()
        self.width = width
        unit, n = self.unit, self.scaled
        stem = [conv_bn(3, n(32), 3, 2, 0, eps=0.001), unit(32, 32, 3), unit(32, 64, 3, padding=1), nn.MaxPool2d(3, 2), unit(64, 80, 1),
                unit(80, 192, 3), nn.MaxPool2d(3, 2)]
        channels, before = 192, []
        for pooled in (32, 64, 64)[:blocks[0]]:
            before.append(self.block_a(channels, pooled))
            channels = 224 + pooled
        before.append(Branches(unit(channels, 384, 3, 2),
                               nn.Sequential(unit(channels, 64, 1), unit(64, 96, 3, padding=1), unit(96, 96, 3, 2)), nn.MaxPool2d(3, 2)))
        channels += 480
        for inner in (128, 160, 160, 192)[:blocks[1]]:
            before.append(self.block_c(channels, inner))
            channels = 768
        self.before = nn.Sequential(*stem, *before)
        self.aux = nn.Sequential(nn.AvgPool2d(5, 3), unit(768, 128, 1), unit(128, 768, 5),
                                 *classifier(n(768), classes)) if auxiliary else None
        row, column = self.row, self.column
        after = [Branches(nn.Sequential(unit(channels, 192, 1), unit(192, 320, 3, 2)),
                          nn.Sequential(unit(channels, 192, 1), row(192, 192), column(192, 192), unit(192, 192, 3, 2)),
                          nn.MaxPool2d(3, 2))]
        channels += 512
        for _ in range(blocks[2]):
            after.append(self.block_e(channels))
            channels = 2048
        self.after = nn.Sequential(*after, nn.AdaptiveAvgPool2d(1), nn.Dropout(0.5), nn.Flatten(), nn.Linear(n(channels), classes))

    def scaled(self, channels):
        return int(channels * self.width)

    def unit(self, inputs, outputs, kernel, stride=1, padding=0):
        """Channels of the full network in, scaled ones in the layer."""
        return conv_bn(self.scaled(inputs), self.scaled(outputs), kernel, stride, padding, eps=0.001)

    def row(self, inputs, outputs, size=7):
        return self.unit(inputs, outputs, (1, size), padding=(0, size // 2))

    def column(self, inputs, outputs, size=7):
        return self.unit(inputs, outputs, (size, 1), padding=(size // 2, 0))

    def pooled(self, inputs, outputs):
        return nn.Sequential(nn.AvgPool2d(3, 1, 1), self.unit(inputs, outputs, 1))

    def block_a(self, inputs, pooled):
        unit = self.unit
        return Branches(unit(inputs, 64, 1), nn.Sequential(unit(inputs, 48, 1), unit(48, 64, 5, padding=2)),
                        nn.Sequential(unit(inputs, 64, 1), unit(64, 96, 3, padding=1), unit(96, 96, 3, padding=1)),
                        self.pooled(inputs, pooled))

    def block_c(self, inputs, c):
        unit, row, column = self.unit, self.row, self.column
        return Branches(unit(inputs, 192, 1), nn.Sequential(unit(inputs, c, 1), row(c, c), column(c, 192)),
                        nn.Sequential(unit(inputs, c, 1), column(c, c), row(c, c), column(c, c), row(c, 192)),
                        self.pooled(inputs, 192))

    def block_e(self, inputs):
        unit = self.unit

        def spread():
            return Branches(self.row(384, 384, 3), self.column(384, 384, 3))

        return Branches(unit(inputs, 320, 1), nn.Sequential(unit(inputs, 384, 1), spread()),
                        nn.Sequential(unit(inputs, 448, 1), unit(448, 384, 3, padding=1), spread()), self.pooled(inputs, 192))

    def forward(self, x):
        x = self.before(x)
        if self.aux is None:
            return self.after(x)
        aux = self.aux(x)
        return {"output": self.after(x), "aux": aux}


# ---------------------------------------------------------------- GoogLeNet and VGG with batch normalisation

class GoogLeNet(nn.Module):
    """As torchvision has it: batch-normalised, a 3x3 where the paper has a 5x5, pools that round up."""

    def __init__(self, width=1.0, auxiliary=True, classes=1000):
        super().__init__()
        self.width = width
        unit, n = self.unit, self.scaled

        def pool(kernel=3):
            return nn.MaxPool2d(kernel, 2, ceil_mode=True)

        self.to_4a = nn.Sequential(conv_bn(3, n(64), 7, 2, eps=0.001), pool(), unit(64, 64, 1), unit(64, 192, 3), pool(),
                                   self.block(192, 64, 96, 128, 16, 32, 32), self.block(256, 128, 128, 192, 32, 96, 64), pool(),
                                   self.block(480, 192, 96, 208, 16, 48, 64))
        self.aux1 = self.head(512, classes) if auxiliary else None
        self.to_4d = nn.Sequential(self.block(512, 160, 112, 224, 24, 64, 64), self.block(512, 128, 128, 256, 24, 64, 64),
                                   self.block(512, 112, 144, 288, 32, 64, 64))
        self.aux2 = self.head(528, classes) if auxiliary else None
        self.rest = nn.Sequential(self.block(528, 256, 160, 320, 32, 128, 128), pool(2), self.block(832, 256, 160, 320, 32, 128, 128),
                                  self.block(832, 384, 192, 384, 48, 128, 128), *classifier(n(1024), classes, 0.2))

    def scaled(self, channels):
        return int(channels * self.width)

    def unit(self, inputs, outputs, kernel):
        """Channels of the full network in, scaled ones in the layer."""
        return conv_bn(self.scaled(inputs), self.scaled(outputs), kernel, eps=0.001)

    def block(self, inputs, c1, c2, c3, d2, d3, c4):
        unit = self.unit
        return Branches(unit(inputs, c1, 1), nn.Sequential(unit(inputs, c2, 1), unit(c2, c3, 3)),
                        nn.Sequential(unit(inputs, d2, 1), unit(d2, d3, 3)),
                        nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(inputs, c4, 1)))

    def head(self, inputs, classes):
        n = self.scaled
        return nn.Sequential(nn.AdaptiveAvgPool2d((4, 4)), self.unit(inputs, 128, 1), nn.Flatten(), nn.Linear(16 * n(128), n(1024)),
                             nn.ReLU(), nn.Dropout(0.7), nn.Linear(n(1024), classes))

    def forward(self, x):
        a = self.to_4a(x)
        aux1 = None if self.aux1 is None else self.aux1(a)
        d = self.to_4d(a)
        if self.aux2 is None:
            return self.rest(d)
        aux2 = self.aux2(d)
        return {"output": self.rest(d), "aux1": aux1, "aux2": aux2}


CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def vgg_bn(depth, width=1.0, classes=1000):
    """torchvision's vgg11_bn to vgg19_bn: convolutions keep their bias."""
    layers, inputs, hidden = [], 3, int(4096 * width)
    for convs, channels in zip(CONVOLUTIONS[depth], (64, 128, 256, 512, 512)):
        for _ in range(convs):
            layers += [nn.Conv2d(inputs, int(channels * width), 3, padding=1), nn.BatchNorm2d(int(channels * width)), nn.ReLU()]
            inputs = int(channels * width)
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(), nn.Linear(49 * inputs, hidden), nn.ReLU(), nn.Dropout(),
                         nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes))
