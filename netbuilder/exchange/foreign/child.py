"""A throw-away process that reads a `.pt` file: weights only, and nothing but tensors comes out.

It is asked by `watched.ask`; the tensors go to a safetensors file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netbuilder.errors import DocumentError, NetbuilderError
from netbuilder.exchange import watched
from netbuilder.exchange.bring.child import limit_memory
from netbuilder.exchange.foreign.reading import check_zip
from netbuilder.storage import plain

MAX_DEPTH = 32
MAX_TENSORS = 100_000
REPEATED = 8
"""So many times the file's size may its tensors have, since some may share their numbers."""
_ADVICE = "Save the weights alone: torch.save(model.state_dict(), …), or as .safetensors."
_GLOBAL = re.compile(r"GLOBAL ([\w.]{1,80})")


def run(path: Path, out: Path) -> dict[str, Any]:
    """Write the tensors of a `.pt` file; their names in its order, and what was left out."""
    import torch
    from safetensors.torch import save_file

    with plain.open_plain(path) as file:
        check_zip(file, path.name)
        size = os.fstat(file.fileno()).st_size
        file.seek(0)
        try:
            value = torch.load(file, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:
            raise _refusal(path.name, error) from error
    found: dict[str, torch.Tensor] = {}
    odd: list[str] = []
    total = 0
    for key, tensor in _tensors(value, "", 0):
        reason = _oddness(tensor)
        if reason or key in found:
            odd.append(f"{key[:80]} ({reason or 'twice'})")
            continue
        total += tensor.numel() * tensor.element_size()
        if total > REPEATED * size or len(found) >= MAX_TENSORS:
            raise DocumentError(f"'{path.name}' claims more tensors than a file of its size has.")
        found[key] = tensor.detach()
    if not found:
        raise DocumentError(f"There are no weights in '{path.name}'.", _ADVICE)
    save_file({key: tensor.contiguous().clone() for key, tensor in found.items()}, out)
    return {"order": list(found), "notes": [f"Left out: {', '.join(odd[:5])}"] if odd else []}


def _tensors(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Tensors by dotted names, through dicts and lists."""
    import torch

    if depth > MAX_DEPTH:
        return
    if isinstance(value, torch.Tensor):
        yield name or "weight", value
        return
    if isinstance(value, Mapping):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [(str(at), inner) for at, inner in enumerate(value)]
    else:
        return
    for key, inner in pairs:
        yield from _tensors(inner, f"{name}.{key}" if name else key, depth + 1)


def _oddness(tensor: Any) -> str:
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        return "no plain tensor"
    if tensor.dtype in (torch.complex32, torch.complex128) or tensor.dtype.itemsize not in (
        1,
        2,
        4,
        8,
    ):
        return str(tensor.dtype).removeprefix("torch.")
    if "float8" in str(tensor.dtype) or "float4" in str(tensor.dtype):
        return str(tensor.dtype).removeprefix("torch.")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "larger than its numbers"
    return ""


def _refusal(name: str, error: Exception) -> DocumentError:
    wanted = _GLOBAL.search(str(error))
    if wanted is not None:
        text = f"'{name}' asks for '{wanted[1]}' to be run; it was not opened."
        return DocumentError(text, _ADVICE)
    return DocumentError(f"'{name}' is damaged, or holds more than weights.", _ADVICE)


def _answer(job: Mapping[str, Any], tell: watched.Tell) -> dict[str, Any]:
    limit_memory()
    for name in [name for name in os.environ if name.startswith("TORCH_FORCE")]:
        # torch.load would heed these.
        del os.environ[name]
    try:
        return run(Path(job["path"]), Path(job["out"]))
    except NetbuilderError as error:
        return {"error": {"message": str(error), "hint": error.hint}}


if __name__ == "__main__":
    watched.answer(_answer)
    sys.exit(0)
