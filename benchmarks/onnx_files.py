"""How many of ONNX's own tests come in, and how many of those compute what they should.

Prints one JSON line. The cases are the operator tests and the small files of the onnx package
(`onnx.backend.test`), with inputs and outputs that are tensors of numbers; those of ONNX's
training and machine-learning domains are counted like all others. Each becomes a module as an
import makes it, and is held against the outputs that the case states, in the same process.

`agree` of `cases` have the stated dtypes and a relative error below 1e-3 (2e-2 of bfloat16; as
`exchange.verify` defines it), `refused` did not come in, `placeholders` have an operator without
a counterpart; `wrong` are the others, by name.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test
import torch
from onnx import numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.errors import NetbuilderError
from netbuilder.exchange import verify
from netbuilder.exchange.onnx_in import inlining, reading
from netbuilder.exchange.onnx_in.graph import OnnxModule

LIMIT = 1e-3
LIMITS = {torch.bfloat16: 2e-2}
"""Of bfloat16, two roundings."""
Array = np.ndarray[Any, Any]
Case = tuple[str, onnx.ModelProto, list[Array], list[Array]]


def operators() -> Iterator[Case]:
    """The tests of single operators, which the package makes anew."""
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(""):
        if case.model is None or not case.data_sets:
            continue
        given, wanted = case.data_sets[0]
        if all(isinstance(each, np.ndarray | np.generic) for each in (*given, *wanted)):
            yield (
                case.name,
                case.model,
                [np.asarray(each) for each in given],
                [np.asarray(each) for each in wanted],
            )


def files() -> Iterator[Case]:
    """The small models that lie in the package."""
    folder = Path(onnx.backend.test.__file__).parent / "data"
    for path in sorted(folder.glob("*/*/model.onnx")):
        made = onnx.load(str(path))
        data = path.parent / "test_data_set_0"
        try:
            given, wanted = (
                [
                    _array(data / f"{kind}_{at}.pb")
                    for at in range(len(list(data.glob(f"{kind}_*"))))
                ]
                for kind in ("input", "output")
            )
        except (ValueError, TypeError, FileNotFoundError):
            # Sequences and maps of tensors.
            continue
        if wanted:
            yield path.parent.name, made, given, wanted


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _array(path: Path) -> Array:
    proto = onnx.TensorProto.FromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def tried(case: Case, folder: Path) -> str:
    """What becomes of a case, in a word."""
    _, made, given, wanted = case
    if any(array.dtype.kind not in "fiubc" and array.dtype.name != "bfloat16" for array in given):
        return "placeholders"
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    try:
        module, inputs = _module(reading.read(path), given)
        with torch.no_grad():
            found = [tensor.detach() for tensor in module(*map(_tensor, inputs))]
    except NetbuilderError:
        return "refused"
    except Exception as error:
        return f"wrong: {type(error).__name__}"
    if any(step.why for step in module.steps):
        return "placeholders"
    return "agree" if _agree(found, wanted) else "wrong: numbers"


def _module(model: onnx.ModelProto, given: Sequence[Array]) -> tuple[OnnxModule, list[Array]]:
    """The module; sizes that the test gives as inputs are constants, as they are in models."""
    module = OnnxModule(inlining.inlined(model))
    values = dict(zip(module.inputs, given, strict=True))
    sizes = {
        step.call.inputs[at]
        for step in module.steps
        for at in step.known
        if at < len(step.call.inputs) and step.call.inputs[at] in values
    }
    if sizes:
        model.graph.initializer.extend(numpy_helper.from_array(values[n], n) for n in sizes)
        module = OnnxModule(inlining.inlined(model))
    return module, [values[name] for name in module.inputs]


def _tensor(array: Array) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def _agree(found: Sequence[torch.Tensor], wanted: Sequence[Array]) -> bool:
    if len(found) != len(wanted):
        return False
    for tensor, array in zip(found, wanted, strict=True):
        if str(tensor.dtype).removeprefix("torch.") != array.dtype.name:
            return False
        numbers = tensor.float() if tensor.dtype is torch.bfloat16 else tensor
        expected = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
        if not verify.relative_error(numbers.numpy(), expected) < LIMITS.get(tensor.dtype, LIMIT):
            return False
    return True


def main() -> None:
    """Print the figures."""
    warnings.simplefilter("ignore")
    counted: dict[str, Counter[str]] = {"operators": Counter(), "files": Counter()}
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, cases in (("operators", operators()), ("files", files())):
            for case in cases:
                result = tried(case, Path(folder))
                counted[kind]["cases"] += 1
                counted[kind][result.partition(":")[0]] += 1
                if result.startswith("wrong"):
                    wrong.append(f"{case[0]} ({result})")
    figures: dict[str, Any] = {kind: dict(each) for kind, each in counted.items()}
    print(json.dumps({"onnx": onnx.__version__, **figures, "names": wrong}))


if __name__ == "__main__":
    main()
