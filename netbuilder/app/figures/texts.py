"""A graph as SVG, Mermaid and TikZ."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping
from html import escape

from netbuilder.app.figures.figure import HEIGHT, WIDTH, Figure

_HUES = {
    "io": 220, "linear": 265, "convolution": 150, "pooling": 175, "normalisation": 40,
    "dropout": 20, "activation": 340, "recurrent": 195, "attention": 300, "loss": 0,
    "metric": 90, "data": 210, "block": 240,
}  # fmt: skip
_CM = 0.02
"""Centimetres of a unit of the scene in TikZ: a node is 3.8 cm wide."""
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "…": r"\ldots{}",
    "×": r"$\times$", '"': r"\textquotedbl{}",
}  # fmt: skip


def svg(figure: Figure) -> str:
    """A picture in SVG with texts that can be searched."""
    left, top, width, height = figure.area
    margin = 16.0
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="{left - margin:g} {top - margin:g} {width + 2 * margin:g} '
        f'{height + 2 * margin:g}" width="{width + 2 * margin:g}" font-family="sans-serif">',
        f"<title>{escape(figure.title)}</title>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#789"/></marker></defs>',
    ]
    for source, target in figure.wires:
        lines.append(
            f'<path d="{_curve(figure, source, target)}" fill="none" stroke="#789" '
            'stroke-width="1.5" marker-end="url(#arrow)"/>'
        )
    for box in figure.boxes.values():
        hue = _HUES.get(box.family, 210)
        fill, line = _color(hue, 0.94, 0.55), _color(hue, 0.55, 0.45)
        middle = box.x + WIDTH / 2
        lines.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{WIDTH:g}" height="{HEIGHT:g}" rx="8" '
            f'fill="{fill}" stroke="{line}"/>'
            f'<text x="{middle:g}" y="{box.y + 28:g}" text-anchor="middle" font-size="14" '
            f'font-weight="600" fill="#123">{escape(box.name)}</text>'
            f'<text x="{middle:g}" y="{box.y + 47:g}" text-anchor="middle" font-size="12" '
            f'fill="#456">{escape(box.title)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _color(hue: int, lightness: float, saturation: float) -> str:
    """A colour as every program that reads SVG understands it."""
    rgb = colorsys.hls_to_rgb(hue / 360, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def _curve(figure: Figure, source: str, target: str) -> str:
    a, b = figure.boxes[source], figure.boxes[target]
    if figure.right:
        x1, y1, x2, y2 = a.x + WIDTH, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2
        bend = max(12.0, abs(x2 - x1) / 2)
        return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
    x1, y1, x2, y2 = a.x + WIDTH / 2, a.y + HEIGHT, b.x + WIDTH / 2, b.y
    bend = max(12.0, abs(y2 - y1) / 2)
    return f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"


def mermaid(figure: Figure) -> str:
    """A Mermaid flowchart, as many sites show it in Markdown."""
    lines = [f"flowchart {'LR' if figure.right else 'TD'}"]
    for key, box in figure.boxes.items():
        lines.append(f'    {key}["{_mermaid(box.name)}<br/>{_mermaid(box.title)}"]')
    lines += [f"    {source} --> {target}" for source, target in figure.wires]
    return "\n".join([*lines, ""])


def _mermaid(text: str) -> str:
    """Everything but letters, digits and a few signs by its number: nothing can mean anything."""
    return "".join(c if c.isalnum() or c in " .-+" else f"#{ord(c)};" for c in text)


def tikz(figure: Figure) -> str:
    """A TikZ picture that stands alone, and whose inside may be taken into a paper."""
    lines = [
        r"\documentclass[tikz,border=4pt]{standalone}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\begin{document}",
        rf"\begin{{tikzpicture}}[x={_CM}cm, y=-{_CM}cm, >=stealth, layer/.style={{draw, "
        rf"rounded corners=2pt, align=center, minimum width={WIDTH * _CM:.2f}cm, "
        rf"minimum height={HEIGHT * _CM:.2f}cm, font=\small\sffamily}}]",
    ]
    for key, box in figure.boxes.items():
        x, y = box.x + WIDTH / 2, box.y + HEIGHT / 2
        name, title = _tex(box.name), _tex(box.title)
        lines.append(rf"  \node[layer] ({key}) at ({x:g},{y:g}) {{{name}\\\scriptsize {title}}};")
    ends = ("east", "west", "0", "180") if figure.right else ("south", "north", "-90", "90")
    for source, target in figure.wires:
        way = f"to[out={ends[2]}, in={ends[3]}]"
        lines.append(rf"  \draw[->] ({source}.{ends[0]}) {way} ({target}.{ends[1]});")
    return "\n".join([*lines, r"\end{tikzpicture}", r"\end{document}", ""])


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in text)


WRITERS: Mapping[str, Callable[[Figure], str]] = {"svg": svg, "mmd": mermaid, "tex": tikz}
"""By the usual ending of a file."""
