"""Classes of PyTorch's libraries that are no layers of the catalogue, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

_CONTAINER = "A container: on the canvas that is wires, blocks and repetition."
_BASE = "A base class that can't run by itself."
_LAZY = "Sizes are taken from the input for every layer; the lazy class adds nothing."

NN_EXCEPTIONS: Mapping[str, str] = {
    "Module": _BASE,
    "RNNBase": _BASE,
    "RNNCellBase": _BASE,
    "Container": "Deprecated in favour of Module.",
    "NLLLoss2d": "Deprecated in favour of NLLLoss, which does the same.",
    "CrossMapLRN2d": "Its gradient is not that of its result; LocalResponseNorm's is.",
    "DataParallel": "A way to run a module on several devices, no layer of a network.",
    **dict.fromkeys(
        ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"), _CONTAINER
    ),
    **dict.fromkeys(
        (
            "LazyLinear",
            *(f"LazyConv{n}d" for n in (1, 2, 3)),
            *(f"LazyConvTranspose{n}d" for n in (1, 2, 3)),
            *(f"LazyBatchNorm{n}d" for n in (1, 2, 3)),
            *(f"LazyInstanceNorm{n}d" for n in (1, 2, 3)),
        ),
        _LAZY,
    ),
}
"""Module classes that `torch.nn` exports, by name."""
