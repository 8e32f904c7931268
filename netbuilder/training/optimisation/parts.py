"""Which weights of a step train how: rates of parts, and parts that are frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from netbuilder.training.settings import PartSettings

Networks = Mapping[str, nn.Module]


def contains(part: str, path: str) -> bool:
    """Whether `path` (`main.stem.weight`) lies in a part (`main.stem`) or is it."""
    return path == part or path.startswith(f"{part}.")


def part_of(path: str, parts: Iterable[PartSettings]) -> PartSettings | None:
    """The settings that count for a weight or a module: those of the longest part around it."""
    around = [part for part in parts if contains(part.part, path)]
    return max(around, key=lambda part: len(part.part)) if around else None


def groups(
    networks: Networks, updates: Iterable[str], parts: Iterable[PartSettings]
) -> list[dict[str, Any]]:
    """Parameter groups for an optimizer: all weights of these networks that want a gradient.

    One group for the step's own rate, then one for each part that differs, with `factor` (times
    the rate) and, where set, `weight_decay`. A weight that is shared is in the first group that
    takes it.
    """
    parts = tuple(parts)
    found: dict[PartSettings | None, list[nn.Parameter]] = {None: []}
    seen: set[int] = set()
    for name in updates:
        for path, parameter in networks[name].named_parameters():
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                part = part_of(f"{name}.{path}", parts)
                found.setdefault(part, []).append(parameter)
    result = []
    for part, parameters in found.items():
        group: dict[str, Any] = {"params": parameters, "factor": part.lr if part else 1.0}
        if part is not None and part.weight_decay is not None:
            group["weight_decay"] = part.weight_decay
        if parameters:
            result.append(group)
    return result


def freeze(networks: Networks, parts: Iterable[PartSettings]) -> list[nn.Module]:
    """Take the gradients of all frozen weights away; the modules to keep in eval mode."""
    parts = tuple(parts)
    kept: list[nn.Module] = []
    for name, network in networks.items():
        for path, parameter in network.named_parameters():
            part = part_of(f"{name}.{path}", parts)
            if part is not None and part.frozen:
                parameter.requires_grad_(False)
        for path, module in network.named_modules():
            part = part_of(f"{name}.{path}" if path else name, parts)
            if part is not None and part.frozen:
                kept.append(module)
    return kept


def rest(modules: Iterable[nn.Module]) -> None:
    """Put frozen modules in eval mode, each alone: a part inside may train."""
    for module in modules:
        module.training = False


def unknown(networks: Networks, parts: Iterable[PartSettings]) -> list[str]:
    """The parts that are in none of the networks."""
    paths = [
        f"{name}.{path}" if path else name
        for name, network in networks.items()
        for path, _ in network.named_modules()
    ]
    return [part.part for part in parts if not any(contains(part.part, path) for path in paths)]
