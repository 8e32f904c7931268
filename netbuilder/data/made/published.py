"""Data sets that netbuilder knows where to fetch, file by file. Torch-free.

Sizes and hashes are those of the publishers' files: nothing else is taken for them.
"""

from __future__ import annotations

from netbuilder.data.downloads import Collection, Remote, by_id
from netbuilder.data.picture_files import CIFAR_FILES

_MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"


def _remote(base: str, name: str, size: int, sha256: str) -> Remote:
    return Remote(name, base + name, size, sha256)


COLLECTIONS = by_id(
    (
        Collection(
            "mnist",
            "MNIST",
            "70,000 handwritten digits, 28×28 grey values: 60,000 to train on, 10,000 aside.",
            "http://yann.lecun.com/exdb/mnist/",
            (
                _remote(
                    _MNIST,
                    "train-images-idx3-ubyte.gz",
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
                _remote(
                    _MNIST,
                    "train-labels-idx1-ubyte.gz",
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
                _remote(
                    _MNIST,
                    "t10k-images-idx3-ubyte.gz",
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
                _remote(
                    _MNIST,
                    "t10k-labels-idx1-ubyte.gz",
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            ),
        ),
        Collection(
            "fashion_mnist",
            "Fashion-MNIST",
            "70,000 pictures of clothes in ten kinds, 28×28 grey values: harder than digits.",
            "https://github.com/zalandoresearch/fashion-mnist",
            (
                _remote(
                    _FASHION,
                    "train-images-idx3-ubyte.gz",
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                _remote(
                    _FASHION,
                    "train-labels-idx1-ubyte.gz",
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                _remote(
                    _FASHION,
                    "t10k-images-idx3-ubyte.gz",
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                _remote(
                    _FASHION,
                    "t10k-labels-idx1-ubyte.gz",
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            ),
        ),
        Collection(
            "cifar10",
            "CIFAR-10",
            "60,000 colour photographs in ten kinds, 32×32: 50,000 to train on, 10,000 aside.",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            (
                _remote(
                    _CIFAR,
                    "cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
            tuple((name, 10_000 * (1 + 3 * 32 * 32)) for name in (*CIFAR_FILES, "test_batch.bin")),
        ),
    )
)
