"""A graph as SVG, Mermaid and TikZ."""

from __future__ import annotations

import colorsys
import re
import unicodedata
from collections.abc import Callable, Mapping
from html import escape

from netbuilder.app.figures.figure import HEIGHT, PADDING, Figure, text_width
from netbuilder.graph.routing import Course, Point

_HUES = {
    "io": 220, "linear": 265, "convolution": 150, "pooling": 175, "normalisation": 40,
    "dropout": 20, "activation": 340, "recurrent": 195, "attention": 300, "loss": 0,
    "metric": 90, "data": 210, "block": 240,
}  # fmt: skip
_OTHER = 210
_NAME, _TITLE = 14.0, 12.0
"""Sizes of the two texts of a node in scene units."""
_CM = 0.02
"""Centimetres of a unit of the scene in TikZ: a node is at least 3.8 cm wide."""
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "…": r"\ldots{}",
    "×": r"$\times$", '"': r"\textquotedbl{}", "→": r"$\rightarrow$", "−": "$-$",
    "≤": r"$\leq$", "≥": r"$\geq$", "∞": r"$\infty$", "∈": r"$\in$", "∑": r"$\sum$",
}  # fmt: skip
_JOINED = re.compile(r"([-,'`!?])(?=[-,'`])")
"""What LaTeX would draw as one sign: `--` as a dash."""
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)")
_CAPITALS = (
    "gamma",
    "delta",
    "theta",
    "lambda",
    "xi",
    "pi",
    "sigma",
    "upsilon",
    "phi",
    "psi",
    "omega",
)
_SMALL = (
    *("alpha", "beta", "epsilon", "zeta", "eta", "iota", "kappa", "mu", "nu", "rho", "tau", "chi"),
    *_CAPITALS,
)
"""Greek letters that LaTeX has names for; the others look like Latin ones."""
_LAST_LATIN = 0x17F
"""Up to here pdfLaTeX has all letters by itself."""


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
    for course in figure.courses():
        lines.append(
            f'<path d="{_path(course)}" fill="none" stroke="#789" '
            'stroke-width="1.5" marker-end="url(#arrow)"/>'
        )
    for box in figure.boxes.values():
        fill, line = _colors(box.family)
        middle, room = box.x + box.width / 2, box.width - 2 * PADDING
        lines.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{HEIGHT:g}" rx="8" '
            f'fill="{fill}" stroke="{line}"/>'
            f'<text x="{middle:g}" y="{box.y + HEIGHT / 2 - 4:g}" text-anchor="middle" '
            f'{_fitting(box.name, _NAME, room)} font-weight="600" '
            f'fill="#123">{escape(box.name)}</text>'
            f'<text x="{middle:g}" y="{box.y + HEIGHT / 2 + 14:g}" text-anchor="middle" '
            f"{_fitting(box.title, _TITLE, room)} "
            f'fill="#456">{escape(box.title)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _fitting(text: str, size: float, room: float) -> str:
    """The size of a text; one that may be wider than the room is made as wide as that."""
    width = text_width(text, size)
    if width <= room:
        return f'font-size="{size:g}"'
    smaller = max(round(size * room / width, 1), 1.0)
    return f'font-size="{smaller:g}" textLength="{room:g}" lengthAdjust="spacingAndGlyphs"'


def _colors(family: str) -> tuple[str, str]:
    """The ground and the line of a node: colours that every program understands."""
    hue = _HUES.get(family, _OTHER)
    return _color(hue, 0.94, 0.55), _color(hue, 0.55, 0.45)


def _color(hue: int, lightness: float, saturation: float) -> str:
    rgb = colorsys.hls_to_rgb(hue / 360, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def _path(course: Course) -> str:
    def at(point: Point) -> str:
        return f"{round(point[0], 1):g} {round(point[1], 1):g}"

    parts = [f"M{at(course.start)}"]
    for segment in course.segments:
        parts.append(("L" if len(segment) == 1 else "C") + " ".join(map(at, segment)))
    return "".join(parts)


def mermaid(figure: Figure) -> str:
    """A Mermaid flowchart, as many sites show it in Markdown."""
    lines = [f"flowchart {'LR' if figure.flow == 'right' else 'TD'}"]
    for key, box in figure.boxes.items():
        lines.append(f'    {key}["{_mermaid(box.name)}<br/>{_mermaid(box.title)}"]')
    lines += [f"    {source} --> {target}" for source, target in figure.wires]
    return "\n".join([*lines, ""])


def _mermaid(text: str) -> str:
    """Everything but letters, digits and a few signs by its number: nothing can mean anything."""
    return "".join(c if c.isalnum() or c in " .-+" else f"#{ord(c)};" for c in text)


def tikz(figure: Figure) -> str:
    """A TikZ picture that stands alone, and whose inside may be taken into a paper."""
    texts = [text for box in figure.boxes.values() for text in (box.name, box.title)]
    lines = [
        r"\documentclass[tikz,border=4pt]{standalone}",
        *_fonts("".join(texts)),
        r"\begin{document}",
        rf"\begin{{tikzpicture}}[x={_CM}cm, y=-{_CM}cm, >=stealth,",
        rf"  layer/.style={{rounded corners=2pt, align=center, inner sep=0pt, "
        rf"minimum height={HEIGHT * _CM:.2f}cm, font=\small\sffamily}},",
    ]
    families = {box.family if box.family in _HUES else "other" for box in figure.boxes.values()}
    for family in sorted(families):
        fill, line = map(_rgb, _colors(family))
        lines.append(rf"  {family}/.style={{layer, draw={line}, fill={fill}}},")
    lines += [
        "]",
        r"  % A text that is wider than its node is made smaller.",
        r"  \def\fit#1#2{\setbox0\hbox{#2}\ifdim\wd0>#1\resizebox{#1}{!}{\box0}\else\box0\fi}",
    ]
    for key, box in figure.boxes.items():
        x, y = box.x + box.width / 2, box.y + HEIGHT / 2
        width, room = box.width * _CM, (box.width - 2 * PADDING) * _CM
        family = box.family if box.family in _HUES else "other"
        name, title = (rf"\fit{{{room:.2f}cm}}{{{_tex(text)}}}" for text in (box.name, box.title))
        lines.append(
            rf"  \node[{family}, minimum width={width:.2f}cm] ({key}) at ({x:g},{y:g}) "
            rf"{{{name}\\\scriptsize{title}}};"
        )
    lines += [rf"  \draw[->] {_way(course)};" for course in figure.courses()]
    return "\n".join([*lines, r"\end{tikzpicture}", r"\end{document}", ""])


def _fonts(text: str) -> list[str]:
    """The part of the preamble that brings the letters."""
    if all(ord(c) <= _LAST_LATIN or c in _TEX or _greek(c) for c in text):
        return [r"\usepackage[T1]{fontenc}", r"\usepackage[utf8]{inputenc}"]
    wide = any(unicodedata.east_asian_width(c) in "WF" for c in text)
    font = "Noto Sans CJK SC" if wide else "DejaVu Sans"
    return [
        "% For lualatex or xelatex, with a font that has these letters.",
        r"\usepackage{fontspec}",
        rf"\IfFontExistsTF{{{font}}}{{\setsansfont{{{font}}}}}{{}}",
    ]


def _rgb(color: str) -> str:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _way(course: Course) -> str:
    def at(point: Point) -> str:
        return f"({round(point[0], 1):g},{round(point[1], 1):g})"

    parts = [at(course.start)]
    for segment in course.segments:
        if len(segment) == 1:
            parts.append(f"-- {at(segment[0])}")
        else:
            first, second, end = map(at, segment)
            parts.append(f".. controls {first} and {second} .. {end}")
    return " ".join(parts)


def _tex(text: str) -> str:
    plain = _JOINED.sub("\\1\0", text)
    return "".join(_TEX.get(c) or _greek(c) or c for c in plain).replace("\0", "{}")


def _greek(letter: str) -> str:
    """A Greek letter in LaTeX's own words; nothing for what is none."""
    match = _GREEK.fullmatch(unicodedata.name(letter, ""))
    if match is None:
        return ""
    word = match[2].replace("LAMDA", "LAMBDA").lower()
    if match[1] == "SMALL":
        return rf"$\{word}$" if word in _SMALL else ""
    return rf"$\{word.capitalize()}$" if word in _CAPITALS else ""


WRITERS: Mapping[str, Callable[[Figure], str]] = {"svg": svg, "mmd": mermaid, "tex": tikz}
"""By the usual ending of a file."""
