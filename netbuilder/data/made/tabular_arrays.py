"""The contents of the small tables and of the points in the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.tabular import BreastCancer, Iris, Linnerud, Moons, Spirals, Wine


def _labelled(data: Any) -> Mapping[str, Array]:
    """A table of scikit-learn whose target are classes."""
    return {"features": data.data.astype(np.float32), "label": data.target.astype(np.int64)}


@contents.register
def iris(source: Iris) -> Mapping[str, Array]:
    """Four measurements (150, 4) and the species (150,)."""
    from sklearn.datasets import load_iris

    return _labelled(load_iris())


@contents.register
def wine(source: Wine) -> Mapping[str, Array]:
    """Thirteen measurements (178, 13) and the grower (178,)."""
    from sklearn.datasets import load_wine

    return _labelled(load_wine())


@contents.register
def breast_cancer(source: BreastCancer) -> Mapping[str, Array]:
    """Thirty measurements (569, 30), and 0 for malignant, 1 for benign (569,)."""
    from sklearn.datasets import load_breast_cancer

    return _labelled(load_breast_cancer())


@contents.register
def linnerud(source: Linnerud) -> Mapping[str, Array]:
    """Three exercises and three measurements of the body, both (20, 3)."""
    from sklearn.datasets import load_linnerud

    data = load_linnerud()
    return {"features": data.data.astype(np.float32), "target": data.target.astype(np.float32)}


@contents.register
def moons(source: Moons) -> Mapping[str, Array]:
    """Points (count, 2) on two half-circles of radius 1, by turns from each."""
    random = np.random.default_rng(source.seed)
    label = np.arange(source.count) % 2
    angle = random.uniform(0.0, np.pi, source.count)
    upper = np.stack((np.cos(angle), np.sin(angle)), 1)
    lower = np.stack((1.0 - np.cos(angle), 0.5 - np.sin(angle)), 1)
    point = np.where(label[:, None] == 0, upper, lower)
    point += source.noise * random.standard_normal(point.shape)
    return {"point": point.astype(np.float32), "label": label}


@contents.register
def spirals(source: Spirals) -> Mapping[str, Array]:
    """Points (count, 2) on Archimedean spirals, by turns from each."""
    random = np.random.default_rng(source.seed)
    label = np.arange(source.count) % source.arms
    # Evenly along the radius; a root would crowd the outer turns.
    radius = random.uniform(0.05, 1.0, source.count)
    angle = 2 * np.pi * (source.turns * radius + label / source.arms)
    point = radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), 1)
    point += source.noise * random.standard_normal(point.shape)
    return {"point": point.astype(np.float32), "label": label}
