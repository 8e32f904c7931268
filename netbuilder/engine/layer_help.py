"""PyTorch's documentation of a layer as plain text, taken from its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import torch

from netbuilder.engine.protocol import WorkerError
from netbuilder.layers import catalogue

MAX_CHARACTERS = 20_000

_ROLE = re.compile(r":(?!math)[a-z:]+:`~?([^`<]*?)\s*(?:<[^`]*>)?`")
_MATH = re.compile(r":math:`([^`]*)`")
_LINK = re.compile(r"`([^`<]+?)\s*(?:<[^`>]*>)?`__?\b")
_ENTRY = re.compile(r"^(?!Default\b)(\*{0,2}\w+)(?:\s*\([^)]*(?:\([^)]*\)[^)]*)*\))?\s*:(?=\s|$)")
_BULLET = re.compile(r"^[*-] ")
_SKIPPED = re.compile(
    r"^\.\. (_|include::|image::|math::|figure::|code|testcode|doctest)|^:\w+:(?!`)"
)
_DIRECTIVE = re.compile(r"^\.\. (\w+)\s?::\s*(.*)$")
_END = re.compile(r"^(Examples?|>>> .*)\s*(?:::?.*)?$")
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Keyword args|Keyword Arguments)::?$")
_POINTER = re.compile(r"(?:Alias for|[Ss]ee|version of) :\w+:`~?(?:torch\.)?([\w.]+?)(?:\(\))?`")
_ASIDE = re.compile(r"^(Note|Warning|See also):$")
_TEX = {
    "times": "×",
    "cdot": "·",
    "star": "⋆",
    "odot": "⊙",
    "sigma": "σ",
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "lambda": "λ",
    "mu": "μ",
    "pi": "π",
    "theta": "θ",
    "phi": "φ",
    "Phi": "Φ",
    "sum": "Σ",
    "prod": "Π",
    "sqrt": "√",
    "infty": "∞",
    "in": "∈",
    "leq": "≤",
    "le": "≤",
    "geq": "≥",
    "ge": "≥",
    "neq": "≠",
    "ne": "≠",
    "approx": "≈",
    "sim": "~",
    "pm": "±",
    "to": "→",
    "rightarrow": "→",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "lceil": "⌈",
    "rceil": "⌉",
    "dots": "…",
    "ldots": "…",
    "cdots": "…",
    "partial": "∂",
    "top": "ᵀ",
    "quad": " ",
    "left": "",
    "right": "",
    "displaystyle": "",
    "mathrm": "",
    "text": "",
    "texttt": "",
    "mathbf": "",
    "mathcal": "",
    "operatorname": "",
    "mathbb": "",
    "ell": "l",
    "ast": "*",
    "vert": "|",
    "Vert": "‖",
    "not": "not ",
}


def describe(layer: str) -> dict[str, Any]:
    """`text`: PyTorch's documentation of a layer of the catalogue; `parameters`: by name.

    Both are empty for what is not PyTorch's. Raises `WorkerError` for an unknown layer.
    """
    kind = catalogue.find(layer)
    if kind is None:
        raise WorkerError(f"There is no layer '{layer}'.")
    if not layer.startswith("torch."):
        return {"text": "", "parameters": {}}
    found = _named(layer.removeprefix("torch."))
    lines = list(_useful(_documentation(layer.removeprefix("torch."))))
    called = list(_useful(inspect.cleandoc(found.forward.__doc__ or ""))) if kind.in_call else []
    inner = describe(kind.inner.id)["parameters"] if hasattr(kind, "inner") else {}
    return {
        "text": _flowing(lines)[:MAX_CHARACTERS],
        "parameters": {**_parameters(called), **inner, **_parameters(lines)},
    }


def _named(path: str) -> Any:
    """What a dotted path names in torch, or None."""
    found: Any = torch
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is not None and not found.__doc__:
        # Libraries put functions of their own, without a docstring, in the place of torch's.
        return getattr(torch._C._VariableFunctions, path, found)
    return found


def _documentation(path: str) -> str:
    """The docstring, or that of what it points to: many functions say only whose alias they are."""
    doc = inspect.cleandoc(_named(path).__doc__ or "")
    method = f"Tensor.{path}"
    for _ in range(3):
        pointed = _POINTER.search(doc) if len(doc) < 120 else None
        if pointed is None and (doc or _named(method) is None):
            break
        other = _named(pointed[1] if pointed else method)
        if other is None:
            break
        doc = inspect.cleandoc(other.__doc__ or "")
    return doc


def _useful(doc: str) -> Iterator[str]:
    """The lines up to the examples, without marks of reStructuredText."""
    lines = doc.splitlines()
    if lines and re.match(r"^\w+\(.*\)", lines[0]) and not lines[0].endswith("."):
        # The signature, which functions written in C and some classes begin with.
        lines = inspect.cleandoc("\n".join(["", *lines[1:]])).splitlines()
    for line in plain(_formulas(inspect.cleandoc("\n".join(lines)))).splitlines():
        bare = line.strip()
        if _END.match(bare) and not line.startswith(" "):
            return
        if _SKIPPED.match(bare) or bare.startswith(">>>"):
            continue
        directive = _DIRECTIVE.match(bare)
        indent = line[: len(line) - len(line.lstrip())]
        if directive:
            name, rest = directive.groups()
            title = {"seealso": "See also"}.get(name, name.capitalize())
            bare = rest if name in ("method", "function") else f"{title}: {rest}".strip()
        yield indent + bare


def _formulas(doc: str) -> str:
    """The text with formulas, in lines and in blocks, made readable."""

    def block(found: re.Match[str]) -> str:
        rows = found[2].split("\\\\")
        shown = [tex(" ".join(row.split())) for row in rows]
        return "".join(f"{found[1]}- {row}\n" for row in shown if row) + "\n"

    doc = re.sub(r"(?m)^( *)\.\. +math ?::[^\n]*\n((?:\1 +[^\n]*\n|[ \t]*\n)+)", block, doc + "\n")
    return _MATH.sub(lambda found: tex(found[1]), doc)


def plain(text: str) -> str:
    """The text without roles, links, stars and marks of code."""
    text = _ROLE.sub(lambda found: found[1], text.replace("\\`", "`"))
    text = _LINK.sub(lambda found: found[1], text)
    text = re.sub(r"\*\*([^*\s][^*]*)\*\*", r"\1", text)
    text = text.replace("``", "").replace("`", "").replace("\\_", "_")
    # A backslash keeps marks and the words around them apart: "`dim`\\ th".
    return re.sub(r"\\ ?", "", text)


def tex(text: str) -> str:
    """A formula as it can be read in a line: `(C_in, H)` for `(C_{\\text{in}}, H)`."""
    text = re.sub(r"\\(?:begin|end)\{\w+\}(?:\{\w+\})?", "", text)
    text = re.sub(r"\\(?:text|mathrm|texttt|operatorname)\{([^{}]*)\}", r"\1", text)
    for _ in range(4):
        text = re.sub(r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", text)
        text = re.sub(r"([_^])\{([^{}\s]*)\}", r"\1\2", text)
        text = re.sub(r"([_^])\{([^{}]*)\}", r"\1(\2)", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
    text = re.sub(r"\\([a-zA-Z]+)", lambda found: _TEX.get(found[1], found[1]), text)
    text = re.sub(r"\\[\\,;!: ]", " ", text).replace("\\_", "_")
    return " ".join(text.replace("{", "").replace("}", "").replace("&", "").split("\\")).strip()


def _flowing(lines: list[str]) -> str:
    """Paragraphs of one line each; bullets, entries of lists and headings begin new ones."""
    paragraphs: list[str] = []
    fresh = True
    for line in lines:
        bare = re.sub("::$", ":", " ".join(line.split()))
        if not bare:
            if not fresh:
                paragraphs.append("")
            fresh = True
            continue
        begins = _BULLET.match(bare) or (line.startswith(" ") and _ENTRY.match(bare))
        if fresh or begins or not paragraphs:
            paragraphs.append(bare)
        else:
            paragraphs[-1] += " " + bare
        fresh = bare.endswith(":") and not begins and not _ASIDE.match(bare)
        if _SECTION.match(bare):
            fresh = True
    return "\n".join(paragraphs).strip()


def _parameters(lines: list[str]) -> dict[str, str]:
    """The entries of the sections of arguments, by name."""
    found: dict[str, str] = {}
    inside, name, depth = False, "", 0
    for line in lines:
        bare = " ".join(line.split())
        indent = len(line) - len(line.lstrip())
        if not line.startswith(" ") and bare:
            inside, name, depth = bool(_SECTION.match(bare)), "", 0
            continue
        entry = _ENTRY.match(bare)
        if inside and entry and (not depth or indent <= depth):
            name, depth = entry[1].lstrip("*"), indent
            found[name] = bare[entry.end() :].strip()
        elif inside and name and bare:
            found[name] = f"{found[name]} {bare}".strip()
    return {name: text for name, text in found.items() if text}
