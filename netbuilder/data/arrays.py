"""The contents of the data sources as NumPy arrays, one function a source.

`load` finds them all. Those of a family lie in a module of their own, which the sources name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from importlib import import_module
from typing import Any

import numpy as np

from netbuilder.data import digit_images
from netbuilder.data.sources import Diabetes, Digits, Sines, Source

Array = np.ndarray[Any, np.dtype[Any]]


def load(source: Source) -> Mapping[str, Array]:
    """All samples: field name to array (samples, *shape), in an order that never changes."""
    import_module(source.contents_in)
    return contents(source)


@singledispatch
def contents(source: Source) -> Mapping[str, Array]:
    """What `load` gives; a module registers its functions here and is imported by `load`."""
    raise TypeError(f"no loader for {type(source).__name__}")


@contents.register
def _(source: Digits) -> Mapping[str, Array]:
    image, digit = digit_images.read()
    return {"image": image[:, None], "label": digit}


@contents.register
def _(source: Diabetes) -> Mapping[str, Array]:
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    target = data.target.astype(np.float32)
    return {"features": data.data.astype(np.float32), "target": target[:, None]}


@contents.register
def _(source: Sines) -> Mapping[str, Array]:
    random = np.random.default_rng(source.seed)
    period = random.uniform(4.0, 32.0, (source.count, 2, 1))
    phase = random.uniform(0.0, 2 * np.pi, (source.count, 2, 1))
    strength = random.uniform(0.2, 0.8, (source.count, 2, 1))
    time = np.arange(source.length + 1)
    waves = (strength * np.sin(2 * np.pi * time / period + phase)).sum(axis=1)
    window = waves[:, :-1] + source.noise * random.standard_normal((source.count, source.length))
    return {
        "window": window.astype(np.float32)[:, :, None],
        "next": waves[:, -1:].astype(np.float32),
    }
