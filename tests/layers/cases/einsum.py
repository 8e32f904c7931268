"""Cases of `netbuilder.layers.einsum`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch


def einsum(r: Random) -> Case:
    a, b, c = (r.randint(1, 5) for _ in range(3))
    equation, tensors = r.choice(
        [
            ("nqd,nkd->nqk", [batch(a, c), batch(b, c)]),
            ("nij,njk->nik", [batch(a, b), batch(b, c)]),
            ("nij, jk", [batch(a, b), TensorType((b, c))]),
            ("...i,i->...", [batch(a, b), TensorType((b,))]),
            ("n...i,...ij->n...j", [batch(a, b), TensorType((1, b, c))]),
            ("nii->ni", [batch(a, a)]),
            ("ni,nj,nk->nijk", [batch(a), batch(b), batch(c)]),
        ]
    )
    return Case({"equation": equation}, {f"operands_{i}": t for i, t in enumerate(tensors)})


CASES: Mapping[str, Generator] = {"torch.einsum": einsum}
