"""Colours for Python source: enough for what the compiler writes."""

from __future__ import annotations

import keyword
import re

from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from netbuilder.gui.look import theme

_TOKEN = re.compile(
    r"(?P<comment>#.*)"
    r"|(?P<string>\"\"\".*?(?:\"\"\"|$)|'''.*?(?:'''|$)|\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?)"
    r"|(?P<number>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)"
    r"|(?P<self>\bself\b)"
    r"|(?P<call>\b[A-Za-z_]\w*(?=\())"
    r"|(?P<word>\b[A-Za-z_]\w*\b)"
)
_IN_STRING = 1


class PythonHighlighter(QSyntaxHighlighter):
    """Highlights one document in the colours of the theme."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        theme.notifier.changed.connect(self.dress)
        self._choose()

    def dress(self) -> None:
        """Take the colours of the theme in use."""
        self._choose()
        self.rehighlight()

    def _choose(self) -> None:
        tokens = theme.current()
        colors = {
            "comment": tokens.muted,
            "string": tokens.family("normalisation"),
            "number": tokens.family("activation"),
            "self": tokens.muted,
            "call": tokens.family("convolution"),
            "keyword": tokens.family("recurrent"),
        }
        self._formats = {name: _format(color) for name, color in colors.items()}

    def highlightBlock(self, text: str) -> None:
        start = 0
        self.setCurrentBlockState(0)
        if self.previousBlockState() == _IN_STRING:
            end = text.find('"""')
            start = len(text) if end < 0 else end + 3
            self.setFormat(0, start, self._formats["string"])
            if end < 0:
                self.setCurrentBlockState(_IN_STRING)
        for match in _TOKEN.finditer(text, start):
            kind = match.lastgroup or ""
            if kind == "word" and keyword.iskeyword(match.group()):
                kind = "keyword"
            if kind in self._formats:
                self.setFormat(match.start(), match.end() - match.start(), self._formats[kind])
            if kind == "string" and _unclosed(match.group()):
                self.setCurrentBlockState(_IN_STRING)


def _unclosed(string: str) -> bool:
    return string.startswith('"""') and not (len(string) >= 6 and string.endswith('"""'))


def _format(color: QColor) -> QTextCharFormat:
    result = QTextCharFormat()
    result.setForeground(color)
    return result
