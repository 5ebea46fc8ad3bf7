"""Fashion-MNIST as it lies in its files, and where Debian's package puts them."""
import gzip

import numpy

FOLDER = "/usr/share/datasets/fashion-mnist"


def load(split, folder=FOLDER):
    """The images of "train" or "t10k", [n, 1, 28, 28] from 0 to 1, and their labels."""
    images = _read_idx(f"{folder}/{split}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = _read_idx(f"{folder}/{split}-labels-idx1-ubyte.gz", 8)
    return images / numpy.float32(255), labels.astype(numpy.int64)


def _read_idx(path, offset):
    return numpy.frombuffer(gzip.open(path).read(), dtype=numpy.uint8)[offset:]
