"""Cases of `netbuilder.layers.vision`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, some


def patches(r: Random) -> Case:
    high, wide = r.randint(1, 3), r.randint(1, 3)
    size = (high, wide) if r.random() < 0.5 else high
    wide = wide if isinstance(size, tuple) else high
    tensor = batch(r.randint(1, 3), high * r.randint(1, 3), wide * r.randint(1, 3))
    return one(tensor, embed_dim=r.randint(1, 6), patch_size=size)


def norm(r: Random) -> Case:
    tensor = batch(r.randint(2, 5), r.randint(1, 4), r.randint(2, 4))
    return one(tensor, **some(r, eps=1e-3))


def blur(r: Random) -> Case:
    return one(batch(r.randint(1, 3), r.randint(1, 7), r.randint(1, 7)), **some(r, stride=[1, 3]))


def partition(r: Random) -> Case:
    size = r.randint(1, 3)
    return one(batch(size * r.randint(1, 3), size * r.randint(1, 3), 2), window_size=size)


def reverse(r: Random) -> Case:
    # An Input can't have a batch of 4·N: one window an image. Others come out of a partition.
    size = r.randint(1, 3)
    inputs = {"input": batch(size * size, 2), "reference": batch(size, size, 1)}
    if r.random() < 0.5:
        rows, columns = r.randint(1, 3), r.randint(1, 3)
        inputs["input"] = batch(rows * columns, size * size, 2)
        inputs["reference"] = batch(rows * size, columns * size, 1)
    return Case({"window_size": size}, inputs)


def shifted(r: Random) -> Case:
    size = r.randint(2, 4)
    tensor = batch(size * r.randint(1, 3), size * r.randint(1, 3), 1)
    return Case({"window_size": size, "shift": r.randint(0, size - 1)}, {"reference": tensor})


def spread(r: Random) -> Case:
    sizes = [r.randint(1, 4) for _ in range(r.choice([1, 3]))]
    return one(batch(*sizes), **some(r, eps=1e-3))


CASES: Mapping[str, Generator] = {
    "netbuilder.PatchEmbed": patches,
    "netbuilder.LayerNorm2d": norm,
    "netbuilder.GlobalResponseNorm": norm,
    "netbuilder.BlurPool2d": blur,
    "netbuilder.WindowPartition": partition,
    "netbuilder.WindowReverse": reverse,
    "netbuilder.ShiftedWindowMask": shifted,
    "netbuilder.MinibatchStdDev": spread,
}
