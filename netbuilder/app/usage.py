"""Which layers a person uses: what is remembered of it between sessions."""

from __future__ import annotations

from collections.abc import Mapping

MOST_LAYERS = 100
MOST_TIMES = 200
"""Beyond it all counts are halved, so that what one used long ago fades."""


def kept(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts to remember: those of the layers used most, in the order of their names."""
    halvings = 0
    while max(counts.values(), default=0) >> halvings > MOST_TIMES:
        halvings += 1
    faded = {layer: count >> halvings for layer, count in counts.items()}
    most = sorted(faded, key=lambda layer: (-faded[layer], layer))[:MOST_LAYERS]
    return {layer: faded[layer] for layer in sorted(most) if faded[layer] > 0}
