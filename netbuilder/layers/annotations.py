"""What names, annotations and defaults of a Python file mean. Read from its syntax tree alone."""

from __future__ import annotations

import ast

from netbuilder.graph.model import Json

Kinds = tuple[list[str], list[str]]
"""Words such as `int`, `floats`, `ints:2` and `none`, and texts of which one is to be chosen."""


class Names:
    """The dotted names behind those of a file, as its import statements tell."""

    def __init__(self, tree: ast.Module) -> None:
        self._known = _imported(tree)

    def full(self, tree: ast.expr) -> str:
        """The dotted name of an expression with its import resolved; empty if it is no name."""
        parts: list[str] = []
        while isinstance(tree, ast.Attribute):
            parts.insert(0, tree.attr)
            tree = tree.value
        if not isinstance(tree, ast.Name):
            return ""
        return ".".join([self._known.get(tree.id, tree.id), *parts])

    def words(self, tree: ast.expr | None) -> list[str]:
        """The names in an annotation, outermost first."""
        if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
            try:
                tree = ast.parse(tree.value[:1000], mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return []
        match tree:
            case None:
                return []
            case ast.Name() | ast.Attribute():
                return [self.full(tree)]
            case ast.Constant(value=None):
                return ["None"]
            case ast.Subscript(value=head, slice=inside):
                return [*self.words(head), *self.words(inside)]
            case ast.Tuple(elts=parts):
                return [word for part in parts for word in self.words(part)]
            case ast.BinOp(left=left, right=right):
                return [*self.words(left), *self.words(right)]
        return []

    def types(self, tree: ast.expr | None) -> Kinds:
        """What an annotation allows: words such as `int` and `ints:2`, and choices of texts."""
        if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
            try:
                tree = ast.parse(tree.value[:1000], mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return [], []
        match tree:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return _joined([self.types(left), self.types(right)])
            case ast.Constant(value=None):
                return ["none"], []
            case ast.Name() | ast.Attribute():
                word = self.full(tree)
                if word in ("int", "float", "bool", "str"):
                    return [word], []
                return (["floats"], []) if word in ("tuple", "list") else ([], [])
            case ast.Subscript(value=head, slice=inside):
                return self._generic(self.full(head).rpartition(".")[2].lower(), inside)
        return [], []

    def _generic(self, head: str, inside: ast.expr) -> Kinds:
        parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        if head in ("union", "optional"):
            kinds = [self.types(part) for part in parts]
            return _joined([*kinds, (["none"], [])] if head == "optional" else kinds)
        if head == "literal":
            texts = [part.value for part in parts if isinstance(part, ast.Constant)]
            if texts and all(isinstance(text, str) and len(text) <= 200 for text in texts):
                return [], [str(text) for text in texts]
            return [], []
        if head in ("tuple", "list", "sequence"):
            words = {word for part in parts for word in self.types(part)[0]}
            open_end = any(isinstance(p, ast.Constant) and p.value is Ellipsis for p in parts)
            if len(words) != 1 or not words <= {"int", "float", "str", "bool"}:
                return [], []
            length = "" if open_end or head != "tuple" else f":{len(parts)}"
            return [f"{words.pop()}s{length}"], []
        return [], []


def _joined(kinds: list[Kinds]) -> Kinds:
    """The alternatives together; nothing of those that are not known."""
    types = list(dict.fromkeys(word for found, _ in kinds for word in found))
    choices = list(dict.fromkeys(text for _, found in kinds for text in found))
    return (types, choices) if types != ["none"] or choices else ([], [])


def types_of(value: Json) -> list[str]:
    """The types of a parameter that only its default tells of."""
    match value:
        case bool():
            return ["bool"]
        case int():
            return ["int", "float"]
        case float():
            return ["float"]
        case str():
            return ["str"]
        case tuple() if value and all(isinstance(item, int) for item in value):
            return ["ints"]
        case tuple() if all(isinstance(item, int | float) for item in value):
            return ["floats"]
        case None:
            return ["int", "float", "str", "floats", "none"]
    return []


def literal(tree: ast.expr | None) -> tuple[bool, Json]:
    """Whether an expression is a plain value that a project can hold, and the value."""
    match tree:
        case ast.Constant(value=bool() | None as value):
            return True, value
        case ast.Constant(value=int() as value) if abs(value) <= 2**53:
            return True, value
        case ast.Constant(value=float() as value) if abs(value) < 1e308:
            return True, value
        case ast.Constant(value=str() as value) if len(value) <= 1000:
            return value.isprintable() or value == "", value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            known, positive = literal(ast.Constant(value))
            return known and not isinstance(value, bool), -positive if known else None
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if len(parts) <= 64:
            values = [literal(part) for part in parts]
            flat = all(known and not isinstance(value, tuple) for known, value in values)
            return flat, tuple(value for _, value in values) if flat else None
    return False, None


def _imported(tree: ast.Module) -> dict[str, str]:
    """Full names by the names that import statements bind."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                found[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    if found.get("Module") == "torch.nn.modules.Module":
        found["Module"] = "torch.nn.Module"
    return found
