"""How many of ONNX's own tests come in, and how many of those compute what they should.

Prints one JSON line. The cases are the operator tests and the small files of the onnx package
(`onnx.backend.test`), with inputs and outputs that are tensors; those of ONNX's training and
machine-learning domains are counted like all others. Each becomes a module as an import makes it,
and is held against the outputs that the case states, in the same process.

Tests give sizes and weights as inputs, which models have as constants: what has no counterpart as
it is, is tried once more with its inputs of at most one dim as constants, and then with all but
its first.

`agree` of `cases` have the stated dtypes and a relative error below 1e-3 (2e-2 of bfloat16; as
`exchange.verify` defines it); `runtime` give what ONNX Runtime gives, which isn't what the case
states; `refused` did not come in, or did not run; `placeholders` have an operator without a
counterpart, or one that draws random numbers; `wrong` are the others, by name.

    python benchmarks/onnx_files.py --peer PYTHON

does the same with onnx2torch, in a Python that has it beside what netbuilder needs. It knows few
operators of the newest opsets: what it agrees with only after ONNX's converter has taken the model
to an older one is counted as `older`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test
import torch
from onnx import numpy_helper, version_converter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.errors import NetbuilderError
from netbuilder.exchange import departing, verify
from netbuilder.exchange.onnx_in import inlining, noise, reading
from netbuilder.exchange.onnx_in.graph import OnnxModule

LIMIT = 1e-3
LIMITS = {torch.bfloat16: 2e-2}
"""Of bfloat16, two roundings."""
Array = np.ndarray[Any, Any]
Case = tuple[str, onnx.ModelProto, list[Array], list[Array]]
Taken = Callable[[onnx.ModelProto, Sequence[Array]], tuple[list[torch.Tensor], bool]]
"""Brings a model in and runs it; whether all of its operators have a counterpart."""
PEER = "onnx2torch"
DECIDED = ("agree", "runtime", "wrong")


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


def netbuilder(model: onnx.ModelProto, given: Sequence[Array]) -> tuple[list[torch.Tensor], bool]:
    """As an import makes a module of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        path.write_bytes(model.SerializeToString())
        module = OnnxModule(inlining.inlined(reading.read(path)))
    try:
        found = [tensor.detach() for tensor in module(*map(_tensor, given))]
    except RuntimeError:
        # What comes after a node without a counterpart may not fit the shape that it was given.
        if not any(step.why for step in module.every):
            raise
        return [], False
    # What is drawn at random can't be compared.
    odd = any(step.why or step.call.op in noise.DRAWN for step in module.every)
    return found, not odd


def onnx2torch(model: onnx.ModelProto, given: Sequence[Array]) -> tuple[list[torch.Tensor], bool]:
    """As the peer makes a module of a model."""
    from onnx2torch import convert  # type: ignore[import-not-found, unused-ignore]

    found = convert(model).eval()(*map(_tensor, given))
    return [found] if isinstance(found, torch.Tensor) else list(found), True


TAKEN: dict[str, Taken] = {"netbuilder": netbuilder, PEER: onnx2torch}


def tried(case: Case, taken: Taken) -> str:
    """What becomes of a case, in a word."""
    _, model, given, wanted = case
    if any(array.dtype.kind not in "fiubc" and array.dtype.name != "bfloat16" for array in given):
        return "placeholders" if taken is netbuilder else "refused"
    first = ""
    for made, inputs in _ways(model, given):
        result = _result(made, inputs, wanted, taken)
        if result.partition(":")[0] in DECIDED:
            return result
        first = first or result
    older = _older(model) if taken is onnx2torch else ()
    for made in older:
        for each, inputs in _ways(made, given):
            if _result(each, inputs, wanted, taken) == "agree":
                return "older"
    return first


def _older(model: onnx.ModelProto) -> Iterator[onnx.ModelProto]:
    """The model at the opsets that the peer knows best, where ONNX's converter takes it there."""
    for version in (17, 13, 11):
        with contextlib.suppress(Exception):
            yield version_converter.convert_version(model, version)


def _ways(
    model: onnx.ModelProto, given: Sequence[Array]
) -> Iterator[tuple[onnx.ModelProto, list[Array]]]:
    """The model as it is, and with inputs as the constants that models have in their place."""
    held = {each.name for each in model.graph.initializer}
    names = [each.name for each in model.graph.input if each.name not in held]
    values = dict(zip(names, given, strict=True))
    yield model, list(given)
    small = [name for name, array in values.items() if array.ndim <= 1]
    for fixed in dict.fromkeys((tuple(small), tuple(names[1:]))):
        if fixed:
            made = onnx.ModelProto()
            made.CopyFrom(model)
            for each in [each for each in made.graph.input if each.name in fixed]:
                made.graph.input.remove(each)
            made.graph.initializer.extend(numpy_helper.from_array(values[n], n) for n in fixed)
            yield made, [array for name, array in values.items() if name not in fixed]


def _result(
    model: onnx.ModelProto, given: Sequence[Array], wanted: Sequence[Array], taken: Taken
) -> str:
    try:
        with torch.no_grad():
            found, whole = taken(model, given)
    except NetbuilderError:
        return "refused"
    except Exception as error:
        return f"wrong: {type(error).__name__}" if taken is netbuilder else "refused"
    if not whole:
        return "placeholders"
    if _agree(found, wanted):
        return "agree"
    try:
        stated = verify.session(model.SerializeToString())
        names = [each.name for each in stated.get_inputs()]
        runtime = stated.run(None, dict(zip(names, given, strict=True)))
    except Exception:
        return "wrong: numbers"
    return "runtime" if _agree(found, [np.asarray(each) for each in runtime]) else "wrong: numbers"


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
        if not departing.relative_error(numbers.numpy(), expected) < LIMITS.get(
            tensor.dtype, LIMIT
        ):
            return False
    return True


# -- all of them -----------------------------------------------------------------------------------


def results(by: str, after: int) -> Iterator[tuple[str, str, str]]:
    """What becomes of each case from one on: its kind, its name, a word."""
    number = 0
    for kind, cases in (("operators", operators()), ("files", files())):
        for case in cases:
            number += 1
            if number > after:
                yield kind, case[0], tried(case, TAKEN[by])


def of_peer(python: str) -> Iterator[tuple[str, str, str]]:
    """The same in another Python. A case at which it dies is refused."""
    after = 0
    while True:
        command = [python, __file__, "--by", PEER, "--after", str(after)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
        for line in lines:
            kind, name, result = json.loads(line)
            yield kind, name, result
        after += len(lines)
        if done.returncode >= 0:
            return
        after += 1
        yield "operators", f"number {after}", "refused"


def counted(found: Iterator[tuple[str, str, str]]) -> dict[str, Any]:
    """How many of how many, by kind."""
    counts: dict[str, Counter[str]] = {}
    wrong = []
    for kind, name, result in found:
        here = counts.setdefault(kind, Counter())
        here["cases"] += 1
        here[result.partition(":")[0]] += 1
        if result.startswith("wrong"):
            wrong.append(f"{name} ({result})")
    return {**{kind: dict(each) for kind, each in counts.items()}, "names": wrong}


def _version(python: str) -> str:
    """The peer's version; nothing where that Python hasn't got it."""
    asked = f"import {PEER}, importlib.metadata as m; print(m.version('{PEER}'))"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", help=f"a Python that has {PEER}", default=sys.executable)
    parser.add_argument("--by", choices=TAKEN, help=argparse.SUPPRESS)
    parser.add_argument("--after", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.by:
        for each in results(asked.by, asked.after):
            print(json.dumps(each), flush=True)
        return
    version = _version(asked.peer)
    peer = {"version": version, **counted(of_peer(asked.peer))} if version else "absent"
    ours = counted(results("netbuilder", 0))
    print(json.dumps({"onnx": onnx.__version__, "netbuilder": ours, PEER: peer}))


if __name__ == "__main__":
    main()
