"""The exporter tidies graphs up; here it takes small numbers for what they are.

onnxscript's rules leave out `x + c` where c is within 1e-8 of 0 and `x * c` where c is within
1e-5 of 1. That takes the usual 1e-8 from under a root: of a deviation of 0 the root is 0 then
and not 1e-4, and a division by it gives no number at all. These rules want exactly 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import onnx_ir as ir
from onnxscript import rewriter
from onnxscript.rewriter.rules.common import _no_op


def rules() -> tuple[Any, ...]:
    """The default rules with exact ones in place of those that are not."""
    loose = list(_no_op.rules)
    kept = (rule for rule in rewriter._DEFAULT_REWRITE_RULES if rule not in loose)
    return (*_exact(), *kept)


@contextmanager
def tidying() -> Iterator[None]:
    """An export in here is tidied up by `rules`."""
    before = rewriter._DEFAULT_REWRITE_RULES
    rewriter._DEFAULT_REWRITE_RULES = rules()
    try:
        yield
    finally:
        rewriter._DEFAULT_REWRITE_RULES = before


def _exact() -> list[Any]:
    patterns: list[tuple[Callable[..., Any], float]] = [
        (lambda op, x, number: op.Add(x, number), 0.0),
        (lambda op, x, number: op.Add(number, x), 0.0),
        (lambda op, x, number: op.Sub(x, number), 0.0),
        (lambda op, x, number: op.Mul(x, number), 1.0),
        (lambda op, x, number: op.Mul(number, x), 1.0),
        (lambda op, x, number: op.Div(x, number), 1.0),
    ]
    return [
        rewriter.RewriteRule(pattern, _itself, _equals(neutral)) for pattern, neutral in patterns
    ]


def _itself(op: Any, x: Any, **_: Any) -> Any:
    return op.Identity(x)


def _equals(neutral: float) -> Callable[..., bool]:
    def check(context: Any, number: Any, **_: Any) -> bool:
        # A number with dims may give the result more dims than x has.
        known = ir.convenience.get_const_tensor(number)
        return known is not None and known.shape.rank() == 0 and known.numpy().item() == neutral

    return check
