"""What a person types for a parameter, and back. No Qt here.

`parse` turns typed text into a JSON value, `text_of` turns a value into text that `parse`
reads again, `refusal` says why a value can't stand. A field of a layer also takes
expressions over the parameters of its block, `=2*channels`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from netbuilder.graph import expressions
from netbuilder.graph.model import Json
from netbuilder.graph.parameters import counts
from netbuilder.gui.inspecting.fields import FieldSpec, text_of


class Unreadable(ValueError):
    """Typed text is no value for the field; `str` says what is expected."""


def parse(spec: FieldSpec, text: str) -> Json:
    """The JSON value that was typed, None for nothing; `Unreadable` says what is expected."""
    text = text.strip()
    if not text and not (spec.kinds == {str} and not spec.sizes and not spec.optional):
        if spec.default == () or (spec.sizes == {0} and not (spec.optional or spec.scalar)):
            return ()
        return None
    body = text[1:-1].strip() if _enclosed(text) else text
    if not spec.sizes:
        return _scalar(spec, text)
    parts = _split(body)
    single = len(parts) == 1
    if not parts[-1]:
        parts.pop()
    if not parts:
        return ()
    values = tuple(_item(spec, part) for part in parts)
    if single and body == text and (spec.scalar or expressions.is_expression(values[0])):
        return values[0]
    if 0 not in spec.sizes and len(values) not in spec.sizes:
        wanted = " or ".join(str(size) for size in sorted(spec.sizes))
        one = "one number or " if spec.scalar else ""
        raise Unreadable(f"Expects {one}{wanted} numbers, such as 3, 3.")
    return values


def _item(spec: FieldSpec, text: str) -> Json:
    """A number, or a row of them in parentheses."""
    if not _enclosed(text):
        return None if spec.optional and text == text_of((None,)) else _scalar(spec, text)
    return tuple(_item(spec, part) for part in _split(text[1:-1]) if part)


def _enclosed(text: str) -> bool:
    """Whether one pair of parentheses is around all of it: not for `(1, 2), (3, 4)`."""
    if text[:1] + text[-1:] not in ("()", "[]"):
        return False
    depth = 0
    for letter in text[:-1]:
        depth += (letter in "([") - (letter in ")]")
        if not depth:
            return False
    return True


def typed(spec: FieldSpec, value: Json) -> str:
    """A value of a field as text that `parse` reads as the same: a list of one is `3,`."""
    text = text_of(value)
    alone = isinstance(value, tuple) and len(value) == 1
    return f"{text}," if alone and spec.scalar else text


def _split(text: str) -> list[str]:
    """The parts between commas or ×, but for commas inside parentheses: `=min(a, b), 3`."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter in ",×" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _scalar(spec: FieldSpec, text: str) -> Json:
    if spec.expressions and text.startswith(expressions.MARK):
        try:
            expressions.parse(text)
        except expressions.ExpressionError as error:
            raise Unreadable(str(error)) from None
        return text
    for choice in spec.choices:
        # Words before numbers: "-inf" is a choice where no number may be infinite.
        if text == text_of(choice):
            return choice
    if int in spec.kinds:
        try:
            return int(text.replace("_", "")) if len(text) < 40 else _refuse("A smaller number.")
        except ValueError:
            pass
    if float in spec.kinds:
        try:
            return float(text)
        except ValueError:
            pass
    if bool in spec.kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if str in spec.kinds:
        return text
    expected = "a whole number" if spec.whole else "a number"
    raise Unreadable(f"Expects {expected}, not '{text[:40]}'.")


def _refuse(reason: str) -> Json:
    raise Unreadable(reason)


def refusal(
    model: type[BaseModel],
    values: Mapping[str, Json],
    name: str,
    value: Json,
    scope: Mapping[str, Json] | None = None,
) -> str:
    """Why `value` can't be the field `name` beside the other values; empty if it can.

    With a `scope` (parameters by name) expressions count as what they are worth there.
    """
    tried = {**values, name: value}
    if value is None:
        tried.pop(name)
    if scope is not None:
        try:
            worth = expressions.fill(value, scope)
        except expressions.ExpressionError as error:
            return str(error)
        tried = _filled(tried, scope)
        if _is_whole_fraction(value, worth) and _refused(model, tried, name):
            return f"{text_of(value)} is {worth}, with a fraction. // divides without one."
    return _refused(model, tried, name)


def _refused(model: type[BaseModel], values: Mapping[str, Json], name: str) -> str:
    try:
        model.model_validate(values)
    except ValidationError as error:
        for entry in error.errors():
            if not entry["loc"] or entry["loc"][0] == name:
                return _reason(entry["msg"])
    return ""


def _filled(values: Mapping[str, Json], scope: Mapping[str, Json]) -> dict[str, Json]:
    """The values with expressions worked out; those that can't be are left out."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = expressions.fill(value, scope)
        except expressions.ExpressionError:
            continue
    return found


def _is_whole_fraction(value: Json, worth: Json) -> bool:
    return expressions.is_expression(value) and isinstance(worth, float) and "/" in value


def worth(value: Json, scope: Mapping[str, Json]) -> str:
    """What a value with expressions in it comes to, as text; empty if it has none or can't.

    Of what counts repetitions these are the first two: `1, 2, …`.
    """
    if not expressions.holds_expression(value):
        return ""
    try:
        if counts(value):
            each = (expressions.fill(value, {**scope, expressions.INDEX: at}) for at in range(2))
            return f"{', '.join(map(text_of, each))}, …"
        return text_of(expressions.fill(value, scope))
    except expressions.ExpressionError:
        return ""


def _reason(message: str) -> str:
    text = message.removeprefix("Value error, ")
    text = text.replace("Input should be", "Must be").replace("Field required", "Needs a value")
    return text if text.endswith(".") else text + "."
