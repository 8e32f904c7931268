"""Varies the samples of batches, all at once on the device where they are.

What is drawn is a function of seed, epoch and batch alone: a run that was interrupted draws
what it would have drawn. The stream of random numbers of the training is not touched. Kornia's
augmentations would draw from that stream; each of these is a few lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from netbuilder.data.augmentation import (
    HIDDEN,
    IGNORED,
    MASKED,
    SOFT,
    Augmentation,
    Colour,
    Crop,
    Cutmix,
    Cutout,
    Flip,
    Mixing,
    Mixup,
    Noise,
    Rotate,
    TokenMasking,
    extended,
)
from netbuilder.data.sources import Field
from netbuilder.data.statistics import Statistics

Batch = dict[str, Tensor]
_LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""
FIXED = 2**32 - 1
"""Stands for the epoch where what is drawn is to be the same always."""


class Chance:
    """A stream of random numbers of one batch."""

    def __init__(self, key: Sequence[int], device: torch.device) -> None:
        self._key, self._device = list(key), device
        self._own = self._generator(torch.device("cpu"))

    def _generator(self, device: torch.device) -> torch.Generator:
        # One 32-bit word: PyTorch's generator on the CPU would ignore what is above it.
        word = np.random.SeedSequence(self._key).generate_state(1)[0]
        return torch.Generator(device).manual_seed(int(word))

    @cached_property
    def _there(self) -> torch.Generator:
        return self._generator(self._device)

    def uniform(self, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(count,) numbers from low to high: few, so drawn on the CPU."""
        drawn = torch.rand(count, generator=self._own) * (high - low) + low
        return drawn.to(self._device)

    def happens(self, count: int, probability: float) -> Tensor:
        """(count,) whether something is to happen."""
        return self.uniform(count) < probability

    def beta(self, count: int, alpha: float) -> Tensor:
        """(count,) shares from the beta distribution with both parameters alike."""
        shape = torch.full((count, 2), alpha, dtype=torch.float64)
        drawn = torch._standard_gamma(shape, generator=self._own).clamp_min(1e-30)
        return (drawn[:, 0] / drawn.sum(1)).float().to(self._device)

    def order(self, count: int) -> Tensor:
        """The numbers below count, shuffled."""
        return torch.randperm(count, generator=self._own).to(self._device)

    def normal(self, like: Tensor) -> Tensor:
        """Normal noise."""
        return torch.randn(like.shape, generator=self._there, device=like.device, dtype=like.dtype)

    def uniform_like(self, like: Tensor) -> Tensor:
        """Numbers from 0 to 1 for every value."""
        return torch.rand(like.shape, generator=self._there, device=like.device)

    def ids_like(self, like: Tensor, high: int) -> Tensor:
        """An id below high for every value."""
        return torch.randint(0, high, like.shape, generator=self._there, device=like.device)


@dataclass(frozen=True)
class Augmenter:
    """Varies batches with the fields of a data set. `statistics` are those of the data."""

    augment: tuple[Augmentation, ...]
    fields: tuple[Field, ...]
    statistics: Mapping[str, Statistics]

    def __call__(self, batch: Mapping[str, Tensor], *key: int) -> Batch:
        """The batch varied by what is drawn for this key: seed, epoch, batch, process."""
        varied = dict(batch)
        device = next(iter(varied.values())).device
        for at, each in enumerate(self.augment):
            names = [field.name for field in each.chosen(self.fields)]
            _KINDS[type(each)](self, each, names, varied, Chance((*key, at), device))
        return varied

    def derive(self, part: Mapping[str, Tensor], key: Sequence[int]) -> Batch:
        """What else a step reads of samples that are not varied: plain labels as shares of
        classes, tokens hidden always in the same way."""
        derived: Batch = {}
        for at, each in enumerate(self.augment):
            if isinstance(each, Mixing):
                for field in self.fields:
                    if each.adds(field):
                        derived[field.name + SOFT] = _soft(field, part[field.name])
            elif isinstance(each, TokenMasking):
                held = dict(part)
                names = [field.name for field in each.chosen(self.fields)]
                device = next(iter(held.values())).device
                _hide(self, each, names, held, Chance((*key, at), device))
                derived |= {name: value for name, value in held.items() if name not in part}
        return derived

    @property
    def added(self) -> tuple[Field, ...]:
        """The fields that are not the data's own."""
        own = {field.name for field in self.fields}
        return tuple(f for f in extended(self.fields, self.augment) if f.name not in own)

    def field(self, name: str) -> Field:
        """A field of the data by its name."""
        return next(field for field in self.fields if field.name == name)


def make(
    augment: tuple[Augmentation, ...],
    fields: tuple[Field, ...],
    statistics: Mapping[str, Statistics],
) -> Augmenter | None:
    """What varies the batches; None where nothing is to be varied."""
    return Augmenter(augment, fields, statistics) if augment else None


# -- pictures ---------------------------------------------------------------------------------


def _flip(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    count = len(batch[names[0]])
    for wanted, dim in ((kind.horizontal, -1), (kind.vertical, -2)):
        if wanted:
            chosen = chance.happens(count, kind.probability)
            for name in names:
                held = batch[name]
                batch[name] = torch.where(_wide(chosen, held), held.flip(dim), held)


def _crop(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    height, width = batch[names[0]].shape[-2:]
    count = len(batch[names[0]])
    scale = chance.uniform(count, kind.smallest, 1.0)
    moves = []
    for size in (width, height):
        room = (1 - scale) + 2 * kind.padding / size
        move = room * chance.uniform(count, -1.0, 1.0)
        if kind.smallest == 1.0:
            # Whole pixels: nothing is blurred.
            move = (move * size / 2).round() * 2 / size
        moves.append(move)
    zero = torch.zeros_like(scale)
    _warp(names, batch, torch.stack([scale, zero, moves[0], zero, scale, moves[1]], 1))


def _rotate(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    height, width = batch[names[0]].shape[-2:]
    count = len(batch[names[0]])
    angle = chance.uniform(count, -1.0, 1.0) * math.radians(kind.degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # Places run from -1 to 1 in both directions: a picture that is not square is turned as one.
    rows = [cos, sin * height / width, zero, -sin * width / height, cos, zero]
    _warp(names, batch, torch.stack(rows, 1))


def _warp(names: list[str], batch: Batch, affine: Tensor) -> None:
    """Take each picture's values from where (N, 6) affine maps send its places."""
    for name in names:
        held = batch[name]
        shape = held.shape
        flat = held.reshape(shape[0], -1, *shape[-2:])
        grid = functional.affine_grid(affine.view(-1, 2, 3), list(flat.shape), align_corners=False)
        # Numbers of classes have nothing between them.
        mode = "bilinear" if held.is_floating_point() else "nearest"
        moved = functional.grid_sample(
            flat.to(grid.dtype), grid, mode, "zeros", align_corners=False
        )
        batch[name] = moved.to(held.dtype).view(shape)


def _colour(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    count = len(batch[names[0]])
    factor = {
        what: chance.uniform(count, 1 - strength, 1 + strength).view(-1, 1, 1, 1)
        for what, strength in (
            ("brightness", kind.brightness),
            ("contrast", kind.contrast),
            ("saturation", kind.saturation),
        )
    }
    turn = chance.uniform(count, -kind.hue, kind.hue) if kind.hue else None
    for name in names:
        statistics = own.statistics.get(name)
        held = batch[name] if statistics is None else statistics.restore(batch[name])
        held = held * factor["brightness"]
        mean = _grey(held).mean((1, 2, 3), keepdim=True)
        held = mean + (held - mean) * factor["contrast"]
        if held.shape[1] == 3:
            grey = _grey(held)
            held = grey + (held - grey) * factor["saturation"]
            if turn is not None:
                held = _turned(held, turn)
        batch[name] = held if statistics is None else statistics.normalise(held)


def _grey(pictures: Tensor) -> Tensor:
    """Brightness: (N, 1, H, W)."""
    if pictures.shape[1] != 3:
        return pictures.mean(1, keepdim=True)
    return (pictures * pictures.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _turned(pictures: Tensor, turns: Tensor) -> Tensor:
    """Colours turned about the axis of greys (Rodrigues' formula)."""
    angle = 2 * math.pi * turns
    cos, sin = angle.cos(), angle.sin() / math.sqrt(3)
    rest = (1 - cos) / 3
    rows = [
        torch.stack([cos + rest, rest - sin, rest + sin], 1),
        torch.stack([rest + sin, cos + rest, rest - sin], 1),
        torch.stack([rest - sin, rest + sin, cos + rest], 1),
    ]
    matrix = torch.stack(rows, 1).to(pictures.dtype)
    return torch.einsum("nij,njhw->nihw", matrix, pictures)


def _cutout(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    first = batch[names[0]]
    count = len(first)
    shares = torch.full((count,), kind.size, device=first.device)
    inside = _boxes(first, shares, shares, chance)
    inside &= chance.happens(count, kind.probability).view(-1, 1, 1)
    for name in names:
        held = batch[name]
        batch[name] = held.masked_fill(_over(inside, held), 0)


def _boxes(like: Tensor, tall: Tensor, wide: Tensor, chance: Chance) -> Tensor:
    """(N, H, W): whether a place is in a rectangle of this part of height and width."""
    inside = None
    for share, size, shape in (
        (tall, like.shape[-2], (-1, like.shape[-2], 1)),
        (wide, like.shape[-1], (-1, 1, like.shape[-1])),
    ):
        length = (share * size).round()
        begin = (chance.uniform(len(like)) * (size - length + 1)).floor().clamp_max(size - 1)
        place = torch.arange(size, device=like.device)
        within = (place >= begin[:, None]) & (place < (begin + length)[:, None])
        inside = within.view(shape) if inside is None else inside & within.view(shape)
    assert inside is not None
    return inside


# -- any numbers ------------------------------------------------------------------------------


def _noise(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    for name in names:
        batch[name] = batch[name] + kind.deviation * chance.normal(batch[name])


def _mixup(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    other, share = _partners(kind, len(batch[names[0]]), chance)
    for name in names:
        held = batch[name]
        batch[name] = held.lerp(held[other], _wide(share, held).to(held.dtype))
    _mix_labels(own, batch, other, share)


def _cutmix(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    first = batch[names[0]]
    other, share = _partners(kind, len(first), chance)
    side = share.sqrt()
    inside = _boxes(first, side, side, chance)
    area = inside.flatten(1).float().mean(1)
    for name in names:
        held = batch[name]
        batch[name] = torch.where(_over(inside, held), held[other], held)
    for field in own.fields:
        if field.batched and field.name not in names and field.dtype.startswith("float"):
            held = batch[field.name]
            batch[field.name] = held.lerp(held[other], _wide(area, held).to(held.dtype))
    _mix_labels(own, batch, other, area)


def _partners(kind: Mixing, count: int, chance: Chance) -> tuple[Tensor, Tensor]:
    """For each sample another one, and what share that gets: at most half, so that a sample's
    own label stays the likeliest."""
    drawn = chance.beta(count, kind.alpha)
    share = torch.minimum(drawn, 1 - drawn)
    mixed = chance.happens(count, kind.probability)
    return chance.order(count), torch.where(mixed, share, 0.0)


def _mix_labels(own: Augmenter, batch: Batch, other: Tensor, share: Tensor) -> None:
    for field in own.fields:
        if field.is_class and field.high:
            name = field.name + SOFT
            soft = batch[name] if name in batch else _soft(field, batch[field.name])
            batch[name] = soft.lerp(soft[other], share[:, None])


def _soft(field: Field, labels: Tensor) -> Tensor:
    assert field.high is not None
    return functional.one_hot(labels, field.high).float()


# -- text -------------------------------------------------------------------------------------


def _hide(own: Augmenter, kind: Any, names: list[str], batch: Batch, chance: Chance) -> None:
    for name in names:
        text, high = batch[name], own.field(name).high
        assert high is not None
        sought = chance.uniform_like(text) < kind.share
        for id in kind.keep:
            sought &= text != id
        fate = chance.uniform_like(text)
        others = chance.ids_like(text, high)
        hiding = others if kind.mask is None else torch.full_like(text, kind.mask)
        masked = torch.where(sought & (fate < 0.8), hiding, text)
        batch[name + MASKED] = torch.where(sought & (fate >= 0.9), others, masked)
        batch[name + HIDDEN] = torch.where(sought, text, IGNORED)


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """(N,) values, to broadcast over samples."""
    return values.view(-1, *[1] * (like.dim() - 1))


def _over(inside: Tensor, like: Tensor) -> Tensor:
    """(N, H, W) places, to broadcast over samples of such pictures."""
    return inside.view(len(inside), *[1] * (like.dim() - 3), *inside.shape[1:])


_KINDS: Mapping[type[Augmentation], Callable[..., None]] = {
    Flip: _flip,
    Crop: _crop,
    Rotate: _rotate,
    Colour: _colour,
    Cutout: _cutout,
    Noise: _noise,
    Mixup: _mixup,
    Cutmix: _cutmix,
    TokenMasking: _hide,
}
