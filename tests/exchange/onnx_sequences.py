"""Attention and transforms of signals, with what they are tried on."""

from __future__ import annotations

import numpy as np

from tests.exchange.onnx_cases import Array, Case, Fixed, floats, truths

SIGNED = floats(2, 3, 4)
_QUERY, _KEY, _VALUE = (floats(2, 4, 5, 8, seed=seed) for seed in range(3))
_FLAT = [floats(2, 5, size, seed=size) for size in (32, 16, 16)]
_NEW = 23


def _attention(*more: Array | None, outputs: int = 1, **said: object) -> Case:
    inputs = [_QUERY, _KEY, _VALUE, *more]
    return Case("Attention", inputs, dict(said), opset=_NEW, outputs=outputs, tolerance=1e-4)


ATTENTION = [
    _attention(),
    _attention(is_causal=1),
    _attention(scale=0.3, softcap=2.0),
    _attention(truths(5, 5)),
    _attention(floats(2, 1, 5, 5), is_causal=1),
    _attention(None, floats(2, 4, 3, 8), floats(2, 4, 3, 8, seed=1), outputs=3),
    Case(
        "Attention",
        _FLAT,
        {"q_num_heads": 4, "kv_num_heads": 2},
        opset=_NEW,
        tolerance=1e-4,
    ),
    Case("RMSNormalization", [SIGNED, Fixed(floats(4))], {"epsilon": 0.01}, opset=_NEW),
    Case("RMSNormalization", [SIGNED, floats(3, 4)], {"axis": 1}, opset=_NEW),
    *(
        Case(
            "RotaryEmbedding",
            [_QUERY, floats(2, 5, 4, seed=3), floats(2, 5, 4, seed=4)],
            {"interleaved": woven},
            opset=_NEW,
        )
        for woven in (0, 1)
    ),
]
SIGNALS = [
    *(
        Case(name, [Fixed(np.array(8))], {"periodic": periodic}, opset=17)
        for name in ("HannWindow", "HammingWindow", "BlackmanWindow")
        for periodic in (0, 1)
    ),
    Case("DFT", [floats(2, 8, 1)], opset=17, tolerance=1e-4, drawn=False),
    Case("DFT", [floats(2, 8, 2)], {"inverse": 1}, opset=17, tolerance=1e-4, drawn=False),
    Case("DFT", [floats(2, 8, 1)], {"onesided": 1}, opset=17, tolerance=1e-4, drawn=False),
    Case(
        "STFT",
        [floats(2, 20, 1), Fixed(np.array(4)), floats(8, low=0.1)],
        opset=17,
        tolerance=1e-4,
        drawn=False,
    ),
]
FAMILIES = {"attention": ATTENTION, "signals": SIGNALS}
