"""The contents of the ratings and of the pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data import digit_images
from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.ratings import STARS, DigitPairs, Ratings


@contents.register
def ratings(source: Ratings) -> Mapping[str, Array]:
    """Who (count,) gave which film (count,) how many stars (count, 1)."""
    random = np.random.default_rng(source.seed)
    users, items = source.users, source.items
    tastes = random.standard_normal((users, source.traits))
    traits = random.standard_normal((items, source.traits))
    generosity = 0.4 * random.standard_normal(users)
    merit = 0.5 * random.standard_normal(items)
    user, item = np.divmod(_cells(random, users, items, source.count), items)
    liking = (tastes[user] * traits[item]).sum(1) / np.sqrt(source.traits)
    stars = 3.2 + generosity[user] + merit[item] + 0.7 * liking
    stars += source.noise * random.standard_normal(source.count)
    stars = np.clip(np.round(2.0 * stars) / 2.0, *STARS)
    return {"user": user, "item": item, "rating": stars[:, None].astype(np.float32)}


def _cells(random: np.random.Generator, users: int, items: int, count: int) -> Array:
    """`count` different cells user·items + item, with each person and each film at least once."""
    most = max(users, items)
    first = np.arange(most) % users * items + random.permutation(most) % items
    left = count - most
    found = first
    while left > 0:
        # Drawing all at once and dropping doubles needs no table of all cells.
        more = random.integers(0, users * items, 2 * left + 16)
        together = np.concatenate((found, more))
        _, places = np.unique(together, return_index=True)
        found = together[np.sort(places)][:count]
        left = count - len(found)
    return random.permutation(found)


@contents.register
def digit_pairs(source: DigitPairs) -> Mapping[str, Array]:
    """Two pictures (898, 1, 8, 8) each, and whether they are one digit (898,)."""
    images, labels = digit_images.read()
    random = np.random.default_rng(source.seed)
    image = images[:, None]
    order = random.permutation(len(image))
    # By digit, each in the order that was drawn: neighbours are pairs of one digit.
    by_digit = order[np.argsort(labels[order], kind="stable")]
    digits = [by_digit[labels[by_digit] == digit] for digit in range(10)]
    alike = [ids[: len(ids) // 4 * 2].reshape(-1, 2) for ids in digits]
    rest = [ids[len(ids) // 4 * 2 :] for ids in digits]
    unlike = _unlike(np.concatenate(rest), len(image) // 2 - sum(map(len, alike)))
    pairs = np.concatenate((*alike, unlike))
    same = np.arange(len(pairs)) < len(pairs) - len(unlike)
    mixed = random.permutation(len(pairs))
    first, second = pairs[mixed].T
    return {
        "first": image[first],
        "second": image[second],
        "same": same[mixed].astype(np.int64),
    }


def _unlike(ids: Array, count: int) -> Array:
    """Pairs (count, 2) of pictures that are sorted by digit: each with one half a round away.

    No digit has as much as half of them, so that none meets itself.
    """
    half = len(ids) // 2
    return np.stack((ids[:half], ids[half : 2 * half]), 1)[:count]
