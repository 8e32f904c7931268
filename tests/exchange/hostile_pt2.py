"""Files that look like exported programs and mean harm. Each comes from a good one."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Entries = dict[str, bytes]
Change = Callable[[Entries, Path], None]


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch {self.canary}",)


def entries_of(path: Path) -> Entries:
    """The entries of an archive, without the folder that they stand in."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def write(path: Path, entries: Entries, compression: int = zipfile.ZIP_STORED) -> None:
    """An archive as PyTorch's are."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(f"net/{name}", data)


def graph(change: Callable[[dict[str, Any]], None]) -> Change:
    """Changes the JSON of the program."""

    def apply(entries: Entries, canary: Path) -> None:
        value = json.loads(entries["models/model.json"])
        text = json.dumps(value).replace("CANARY", str(canary))
        value = json.loads(text)
        change(value)
        entries["models/model.json"] = json.dumps(value).replace("CANARY", str(canary)).encode()

    return apply


def config(change: Callable[[dict[str, Any]], None]) -> Change:
    """Changes what the archive says of its weights."""

    def apply(entries: Entries, canary: Path) -> None:
        name = "data/weights/model_weights_config.json"
        value = json.loads(entries[name])
        change(value["config"])
        entries[name] = json.dumps(value).encode()

    return apply


def _pickled_weight(entries: Entries, canary: Path) -> None:
    name = "data/weights/model_weights_config.json"
    value = json.loads(entries[name])
    first = next(iter(value["config"].values()))
    first["use_pickle"] = True
    entries[name] = json.dumps(value).encode()
    entries[f"data/weights/{first['path_name']}"] = pickle.dumps(Touch(canary))


def _samples(entries: Entries, canary: Path) -> None:
    entries["data/sample_inputs/model.pt"] = pickle.dumps(Touch(canary))


def _legacy(entries: Entries, canary: Path) -> None:
    del entries["data/weights/model_weights_config.json"]
    entries["data/weights/model.pt"] = pickle.dumps(Touch(canary))


def _opaque(entries: Entries, canary: Path) -> None:
    name = "data/constants/model_constants_config.json"
    thing: dict[str, Any] = {"path_name": "opaque_obj_0", "is_param": False}
    thing |= {"use_pickle": True, "tensor_meta": None}
    entries[name] = json.dumps({"config": {"thing": thing}}).encode()
    entries["data/constants/opaque_obj_0"] = pickle.dumps(Touch(canary))


def _old_format(entries: Entries, canary: Path) -> None:
    entries.clear()
    entries["serialized_exported_program.json"] = b"{}"
    entries["serialized_state_dict.pt"] = pickle.dumps(Touch(canary))


def _call(target: str, **arguments: Any) -> Callable[[dict[str, Any]], None]:
    """Puts another operation into the place of the last one."""

    def change(value: dict[str, Any]) -> None:
        node = value["graph_module"]["graph"]["nodes"][-1]
        node["target"] = target
        node["inputs"] = [
            {"name": name, "arg": given, "kind": 1} for name, given in arguments.items()
        ]

    return change


def _custom_object(value: dict[str, Any]) -> None:
    spec = {"custom_obj": {"arg": {"name": "o", "class_fqn": "os.system"}, "custom_obj_name": "o"}}
    value["graph_module"]["signature"]["input_specs"].append(spec)


def _classes(value: dict[str, Any]) -> None:
    for node in value["graph_module"]["graph"]["nodes"]:
        stack = node["metadata"].get("nn_module_stack", "")
        for kind in ("Linear", "MLP"):
            stack = stack.replace(f".{kind}", '.x"); import os; os.system("touch CANARY") #')
        node["metadata"]["nn_module_stack"] = stack


def _names(value: dict[str, Any]) -> None:
    text = json.dumps(value["graph_module"])
    text = text.replace('"x"', "\"__import__('os').system('touch CANARY')\"")
    value["graph_module"] = json.loads(text)


def _huge(value: dict[str, Any]) -> None:
    for about in value["graph_module"]["graph"]["tensor_values"].values():
        about["sizes"] = [{"as_int": 2**39}, {"as_int": 2**39}]


def _deep(value: dict[str, Any]) -> None:
    nested: Any = 1
    for _ in range(500):
        nested = [nested]
    value["guards_code"] = nested


def _beyond(config: dict[str, Any]) -> None:
    first = next(iter(config.values()))
    first["tensor_meta"]["storage_offset"] = {"as_int": 10**9}


def _wrong_strides(config: dict[str, Any]) -> None:
    first = next(iter(config.values()))
    first["tensor_meta"]["strides"] = [{"as_int": 10**6} for _ in first["tensor_meta"]["strides"]]


def _path(config: dict[str, Any]) -> None:
    next(iter(config.values()))["path_name"] = "../../../../etc/passwd"


def _drop(*names: str) -> Change:
    def apply(entries: Entries, canary: Path) -> None:
        for name in names:
            del entries[name]

    return apply


def _two_programs(entries: Entries, canary: Path) -> None:
    entries["models/other.json"] = entries["models/model.json"]


def _big_endian(entries: Entries, canary: Path) -> None:
    entries["byteorder"] = b"big"


CHANGES: dict[str, Change] = {
    "pickled_weight": _pickled_weight,
    "pickled_samples": _samples,
    "legacy_weights": _legacy,
    "opaque_constant": _opaque,
    "old_format": _old_format,
    "custom_object": graph(_custom_object),
    "calls_system": graph(_call("os.system", command={"as_string": "touch CANARY"})),
    "calls_eval": graph(_call("builtins.eval", source={"as_string": "1"})),
    "calls_dunder": graph(_call("torch.ops.aten.__class__.__init__")),
    "reads_a_file": graph(
        _call("torch.ops.aten.from_file.default", filename={"as_string": "CANARY"})
    ),
    "other_library": graph(_call("torch.ops.inductor.accumulate_grad_.default")),
    "classes_are_code": graph(_classes),
    "names_are_code": graph(_names),
    "huge_shapes": graph(_huge),
    "huge_tensor": graph(_call("torch.ops.aten.zeros.default", size={"as_ints": [2**40, 2**20]})),
    "deep": graph(_deep),
    "no_graph": graph(lambda value: value.pop("graph_module")),
    "other_version": graph(lambda value: value["schema_version"].update(major=99)),
    "offset_beyond": config(_beyond),
    "strides_beyond": config(_wrong_strides),
    "path_outside": config(_path),
    "no_weights": _drop("data/weights/weight_0"),
    "no_program": _drop("models/model.json"),
    "two_programs": _two_programs,
    "big_endian": _big_endian,
}


def archives(good: Path, folder: Path) -> Iterator[Path]:
    """Archives that are hostile themselves."""
    entries = entries_of(good)
    whole = good.read_bytes()

    packed = folder / "packed.pt2"
    write(packed, entries, zipfile.ZIP_DEFLATED)
    yield packed
    bomb = folder / "bomb.pt2"
    write(bomb, {**entries, "models/model.json": b" " * 40_000_000}, zipfile.ZIP_DEFLATED)
    yield bomb
    large = folder / "large_json.pt2"
    write(large, {**entries, "models/model.json": b" " * 33_000_000})
    yield large
    outside = folder / "outside.pt2"
    write(outside, {**entries, "../../../outside": b"x", "models/model.json": b"{}"})
    yield outside
    twice = folder / "twice.pt2"
    with warnings.catch_warnings(), zipfile.ZipFile(twice, "w") as archive:
        warnings.simplefilter("ignore")
        for name in (*entries, "models/model.json"):
            archive.writestr(f"net/{name}", entries[name])
    yield twice
    truncated = folder / "truncated.pt2"
    truncated.write_bytes(whole[: len(whole) // 2])
    yield truncated
    lying = folder / "lying.pt2"
    at = whole.rindex(b"PK\x01\x02")
    lying.write_bytes(whole[: at + 20] + b"\xff\xff\xff\x7f" * 2 + whole[at + 28 :])
    yield lying
    overlapping = folder / "overlapping.pt2"
    first, last = whole.index(b"PK\x01\x02"), whole.rindex(b"PK\x01\x02")
    overlapping.write_bytes(
        whole[: last + 42] + whole[first + 42 : first + 46] + whole[last + 46 :]
    )
    yield overlapping
    for name, content in (
        ("empty", b""),
        ("text", b"hello"),
        ("pickle", pickle.dumps(Touch(folder / "canary"))),
    ):
        path = folder / f"{name}.pt2"
        path.write_bytes(content)
        yield path
