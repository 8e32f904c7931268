"""The catalogue as the `layers` command shows it."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from netbuilder.graph.model import freeze
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer, Port


def all_layers() -> list[dict[str, Any]]:
    """One row a layer, in the order of the palette."""
    return [_row(layer) for layer in catalogue.available().values()]


def _row(layer: type[Layer]) -> dict[str, Any]:
    inferable = set(layer.inferable())
    return {
        "id": layer.id,
        "title": layer.title,
        "family": layer.family.value,
        "help": layer.help(),
        "where": sorted(layer.where),
        "parameters": [
            _parameter(name, field, name in inferable) for name, field in layer.model_fields.items()
        ],
        "inputs": [_port(port) for port in layer.inputs],
        "outputs": [_port(port) for port in layer.outputs],
    }


def _parameter(name: str, field: FieldInfo, inferred: bool) -> dict[str, Any]:
    required = field.is_required()
    return {
        "name": name,
        "type": type_text(field.annotation),
        "default": None if required else freeze(field.get_default(call_default_factory=True)),
        "required": required,
        "inferred": inferred,
    }


def _port(port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "help": port.help,
        "optional": port.optional,
        "variadic": port.variadic,
    }


def type_text(kind: Any) -> str:
    """A parameter's type for people: `int | (int, int)`, `"zeros" | "reflect"`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_text(part) for part in arguments))
    if origin is Literal:
        return " | ".join(
            f'"{value}"' if isinstance(value, str) else str(value) for value in arguments
        )
    if origin is tuple:
        if arguments[-1:] == (...,):
            return f"({type_text(arguments[0])}, ...)"
        return f"({', '.join(type_text(part) for part in arguments)})"
    if kind is type(None):
        return "none"
    return str(getattr(kind, "__name__", kind))
