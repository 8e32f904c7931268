"""The JSON of an exported program, `models/NAME.json` of a `.pt2` file, as a `Program`.

The format is PyTorch's `torch/_export/serde/schema.py`, version 8. Everything is looked at
before it is used; what this does not know is `Malformed` or a `BringError` that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from netbuilder.exchange.bring.program import (
    Arg,
    BringError,
    Dtype,
    Operation,
    Program,
    Ref,
    Scope,
    Size,
    State,
    Type,
)

MAJOR = 8
MAX_OPERATIONS = 100_000
MAX_RANK = 64


class Malformed(ValueError):
    """A file that is not as the format has it."""


_SYMBOL = re.compile(r"Symbol\('(\w{1,40})'[^()]*\)\Z")
_TARGET = re.compile(r"[A-Za-z0-9_.]{1,200}\Z")


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is no list")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise Malformed(f"{what} is no text")
    return value


class GraphReader:
    """Reads one program; `program` is the result, still without tensors."""

    def __init__(self, value: Any, title: str, dtype_name: Callable[[Any], str]) -> None:
        self._dtype_name = dtype_name
        whole = _object(value, "the program")
        version = _object(whole.get("schema_version"), "schema_version").get("major")
        if version != MAJOR:
            raise BringError(
                f"The file has format {version!r}; this netbuilder reads format {MAJOR}.",
                "Export it again with a PyTorch from 2.10 on.",
            )
        module = _object(whole.get("graph_module"), "graph_module")
        graph = _object(module.get("graph"), "graph")
        self.program = Program(title, [], [], [], {}, {}, {}, {}, {})
        self._values(graph)
        signature = _object(module.get("signature"), "signature")
        for spec in _list(signature.get("input_specs"), "input_specs"):
            self._input(_object(spec, "an input"))
        nodes = _list(graph.get("nodes"), "nodes")
        if len(nodes) > MAX_OPERATIONS:
            raise BringError(f"The program has more than {MAX_OPERATIONS:,} operations.")
        for node in nodes:
            self._operation(_object(node, "a node"))
        calls = _list(module.get("module_call_graph"), "module_call_graph")
        self._outputs(_list(signature.get("output_specs"), "output_specs"), calls)

    # -- values --------------------------------------------------------------------------------

    def _values(self, graph: Mapping[str, Any]) -> None:
        for name, about in _object(graph.get("tensor_values"), "tensor_values").items():
            sizes = _list(_object(about, name).get("sizes"), f"the sizes of {name!r}")
            if len(sizes) > MAX_RANK:
                raise Malformed(f"{name!r} has more than {MAX_RANK} dims")
            shape = tuple(self._size(size) for size in sizes)
            self.program.types[name] = Type(shape, self._dtype_name(about.get("dtype")))
        for name, about in _object(graph.get("sym_int_values"), "sym_int_values").items():
            self.program.sizes[name] = self._size(about)

    def _size(self, value: Any) -> Size:
        match value:
            case {"as_int": int(number)}:
                return number
            case {"as_expr": {"expr_str": str(text), **rest}}:
                match = _SYMBOL.match(text)
                name = match[1] if match else text[:200]
                hint = rest.get("hint")
                known = hint.get("as_int") if isinstance(hint, dict) else None
                self.program.symbols[name] = known if isinstance(known, int) else 0
                return name
        raise Malformed("a size is neither a number nor a formula")

    # -- what goes in and comes out --------------------------------------------------------------

    def _input(self, spec: Mapping[str, Any]) -> None:
        match spec:
            case {"user_input": {"arg": {"as_tensor": {"name": str(name)}}}}:
                self.program.inputs.append(name)
            case {"user_input": {"arg": {"as_none": _}}} | {"constant_input": _}:
                pass
            case {"parameter": {"arg": {"name": str(name)}, "parameter_name": str(key)}}:
                self.program.states[name] = State(key, "parameter")
            case {"buffer": {"arg": {"name": str(name)}, "buffer_name": str(key)}}:
                self.program.states[name] = State(key, "buffer")
            case {
                "tensor_constant": {"arg": {"name": str(name)}, "tensor_constant_name": str(key)}
            }:
                self.program.states[name] = State(key, "constant")
            case {"custom_obj": {"custom_obj_name": str(name)}}:
                raise BringError(
                    f"The program needs an object of another program, '{name[:80]}', which is "
                    "pickled; a pickle may run code.",
                    "Export a module without such objects.",
                )
            case _:
                kinds = ", ".join(sorted(spec))[:80]
                raise BringError(f"The program takes something that is no tensor: {kinds}.")

    def _outputs(self, specs: list[Any], calls: list[Any]) -> None:
        values: list[Arg] = []
        for spec in specs:
            match spec:
                case {"user_output": {"arg": dict(argument)}} | {
                    "loss_output": {"arg": dict(argument)}
                }:
                    named = {"as_tensor": argument} if "name" in argument else argument
                    values.append(self._arg(named))
        paths = list(_paths(calls, len(values)))
        self.program.outputs = list(zip(paths, values, strict=True))

    # -- operations ----------------------------------------------------------------------------

    def _operation(self, node: Mapping[str, Any]) -> None:
        target = _text(node.get("target"), "a target")
        if not _TARGET.match(target):
            raise Malformed("a target is no name")
        target = target.removeprefix("torch.ops.").removeprefix("_operator.")
        args: dict[str, Arg] = {}
        for entry in _list(node.get("inputs"), f"the inputs of {target}"):
            entry = _object(entry, f"an input of {target}")
            name = _text(entry.get("name"), "the name of an argument")
            args[name or f"arg{len(args)}"] = self._arg(entry.get("arg"))
        outputs: list[str] = []
        for given in _list(node.get("outputs"), f"the outputs of {target}"):
            outputs += self._made(given, f"{target}_{len(self.program.operations)}_{len(outputs)}")
        given_name = node.get("name")
        about = _object(node.get("metadata"), "metadata").get("nn_module_stack", "")
        operation = Operation(
            given_name if isinstance(given_name, str) else (outputs or [target])[0],
            target,
            args,
            tuple(outputs),
            tuple(_scopes(about)),
        )
        self.program.operations.append(operation)

    def _made(self, value: Any, spare: str) -> list[str]:
        match value:
            case {"as_tensor": {"name": str(name)}} | {"as_sym_int": {"as_name": str(name)}}:
                return [name]
            case {"as_tensors": list(several)}:
                return [_text(_object(one, "a tensor").get("name"), "a name") for one in several]
            case {"as_none": _}:
                return [spare]
            case {"as_sym_bool": {"as_name": str(name)}} | {"as_sym_float": {"as_name": str(name)}}:
                return [name]
        return [spare]

    def _arg(self, value: Any) -> Arg:
        match value:
            case {"as_none": _}:
                return None
            case {"as_tensor": {"name": str(name)}}:
                return Ref(name)
            case {"as_tensors": list(several)}:
                return tuple(self._arg({"as_tensor": one}) for one in several)
            case {"as_optional_tensor": dict(one)}:
                return self._arg(one)
            case {"as_optional_tensors": list(several)}:
                return tuple(self._arg(one) for one in several)
            case {"as_bool": bool(plain)} | {"as_string": str(plain)}:
                return plain
            case {"as_int": int(number)} if not isinstance(number, bool):
                return number
            case {"as_float": number}:
                return _float(number)
            case {"as_ints": list(several)}:
                return tuple(self._arg({"as_int": one}) for one in several)
            case {"as_floats": list(several)}:
                return tuple(_float(one) for one in several)
            case {"as_bools": list(several)}:
                return tuple(bool(one) for one in several)
            case {"as_sym_ints": list(several)}:
                return tuple(self._symbolic(one) for one in several)
            case {"as_sym_int": one} | {"as_sym_float": one} | {"as_sym_bool": one}:
                return self._symbolic(one)
            case {"as_scalar_type": number}:
                return Dtype(self._dtype_name(number))
            case {"as_device": _} | {"as_layout": _} | {"as_memory_format": _}:
                return None
        kind = next(iter(value), "nothing") if isinstance(value, dict) else "nothing"
        return f"?{kind}"[:80]

    def _symbolic(self, value: Any) -> Arg:
        match value:
            case {"as_name": str(name)}:
                return Ref(name)
            case {"as_int": int(number)}:
                return number
            case {"as_float": number}:
                return _float(number)
            case {"as_bool": bool(plain)}:
                return plain
        raise Malformed("an argument is neither a number nor a name")


def _float(value: Any) -> float:
    known = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}
    if isinstance(value, str) and value in known:
        return known[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise Malformed("a number is none")


def _scopes(text: Any) -> Iterator[Scope]:
    """`key,path,class;key,path,class`."""
    for part in text.split(";") if isinstance(text, str) else ():
        key, path, kind = (*part.split(","), "", "")[:3]
        if key and not key.startswith("_empty"):
            yield Scope(key, path, kind)


def _paths(calls: list[Any], count: int) -> Iterator[str]:
    """How to get at each output in the result, from the root's `out_spec`."""
    found: list[str] = []
    for call in calls:
        match call:
            case {"fqn": "", "signature": {"out_spec": str(text)}}:
                try:
                    spec = json.loads(text)
                    found = list(_leaves(spec[1], ""))
                except (ValueError, RecursionError, IndexError, TypeError, KeyError):
                    found = []
    yield from found if len(found) == count else [""] * count


def _leaves(spec: Any, path: str) -> Iterator[str]:
    children = spec["children_spec"]
    if spec["type"] is None:
        yield path
        return
    keys: list[Any] = list(range(len(children)))
    context = json.loads(spec["context"]) if spec["context"] else None
    if isinstance(context, list) and len(context) == len(children):
        keys = context
    for key, child in zip(keys, children, strict=True):
        yield from _leaves(child, f"{path}_{key}" if path else str(key))
