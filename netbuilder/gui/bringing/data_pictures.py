"""Pictures of samples as the worker sent them: unpacked, coloured, with boxes around things."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from netbuilder.gui.look import theme
from netbuilder.gui.training.preview_views import CLASS_HUES

MOST = 4096
"""Pixels of a side; a picture that claims more is none."""
ENLARGED = 96
"""Pixels that a picture gets before boxes are drawn on it."""


def unpacked(value: Any) -> QImage | None:
    """The picture in `width`, `height` and `pixels` (three bytes or one a pixel, in base64)."""
    match value:
        case {"width": int(width), "height": int(height), "pixels": str(text)}:
            pass
        case _:
            return None
    if not (0 < width <= MOST and 0 < height <= MOST):
        return None
    try:
        data = b64decode(text, validate=True)
    except (Error, ValueError):
        return None
    if len(data) == 3 * width * height:
        return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    if len(data) == width * height:
        return QImage(data, width, height, width, QImage.Format.Format_Grayscale8).copy()
    return None


def class_color(number: int) -> QColor:
    """The colour of a class; from the eleventh on they come again."""
    return QColor(theme.current().family(CLASS_HUES[number % len(CLASS_HUES)]))


def coloured(mask: QImage) -> QImage:
    """A mask with a colour for each class; the first, mostly the ground, stays dark."""
    colors = [theme.current().field.rgb(), *(class_color(number).rgb() for number in range(255))]
    return _indexed(mask, colors)


def heat(spectrum: QImage) -> QImage:
    """Strengths from the ground's colour over the accent to white, as a spectrogram is read."""
    tokens = theme.current()
    colors = []
    for number in range(256):
        share = number / 255
        first, second = (
            (tokens.accent, tokens.field) if share < 0.6 else (tokens.text, tokens.accent)
        )
        within = share / 0.6 if share < 0.6 else (share - 0.6) / 0.4
        colors.append(theme.mixed(first, second, within).rgb())
    return _indexed(spectrum, colors)


def _indexed(image: QImage, colors: Sequence[int]) -> QImage:
    """A picture of one byte a pixel with a colour for each value."""
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    wide, tall = grey.width(), grey.height()
    lines = np.frombuffer(grey.constBits(), np.uint8).reshape(tall, -1)
    data = np.ascontiguousarray(lines[:, :wide]).tobytes()
    result = QImage(data, wide, tall, wide, QImage.Format.Format_Indexed8).copy()
    result.setColorTable(list(colors))
    return result


def with_boxes(image: QImage, boxes: Sequence[Any], field: Mapping[str, Any]) -> QImage:
    """The picture with boxes (left, top, right, bottom) in pixels of the field's shape; those
    without size are none."""
    tall, wide = field["shape"][-2:]
    scale = max(1, ENLARGED // max(image.width(), image.height()))
    result = image.scaled(
        image.width() * scale,
        image.height() * scale,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.FastTransformation,
    ).convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(result)
    across, down = result.width() / wide, result.height() / tall
    for number, box in enumerate(boxes):
        numbers = [x for x in box if isinstance(x, int | float)] if isinstance(box, list) else []
        if len(numbers) != 4 or numbers[2] <= numbers[0] or numbers[3] <= numbers[1]:
            continue
        left, top, right, bottom = numbers
        painter.setPen(QPen(class_color(number), 1.5))
        painter.drawRect(
            QRectF(left * across, top * down, (right - left) * across, (bottom - top) * down)
        )
    painter.end()
    return result
