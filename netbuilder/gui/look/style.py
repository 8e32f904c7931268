"""The looks of the panels, on top of the theme's stylesheet: roles of labels and buttons."""

from __future__ import annotations

from string import Template

from PySide6.QtGui import QColor

from netbuilder.gui.look import theme
from netbuilder.gui.look.theme import Theme, mixed

_SHEET = Template("""
QLabel[role="hero"] { font-size: ${hero_pt}pt; font-weight: 600; }
QLabel[role="heading"] { font-weight: 600; }
QLabel[role="group"] { color: $muted; font-weight: 600; padding-top: 8px; }
QLabel[role="field"] { color: $muted; }
QLabel[role="ok"] { color: $success; }
QLabel[role="figure"] { font-family: "$mono"; font-size: ${figure_pt}pt; font-weight: 600; }
QLabel[role="chip"] {
  background: $chip; color: $muted; border-radius: 4px; padding: 1px 6px; font-size: ${small_pt}pt;
}
QLabel[role="shape"] { font-family: "$mono"; color: $text; }
QFrame[role="rule"] { background: $border; border: none; }

QToolButton[role="link"] {
  background: transparent; border: none; color: $accent; padding: 0; text-align: left;
}
QToolButton[role="link"]:hover { text-decoration: underline; background: transparent; }
QToolButton[role="fold"] {
  background: transparent; border: 1px solid transparent; color: $muted; padding: 2px 0;
  text-align: left;
}
QToolButton[role="fold"]:hover { color: $text; }
QToolButton[role="fold"]:focus { border-color: $accent; }
QToolButton[role="fix"] {
  background: transparent; border: 1px solid $border; border-radius: 9px; color: $accent;
  padding: 1px 9px; font-size: ${small_pt}pt;
}
QToolButton[role="fix"]:hover { background: $hover; }
QToolButton[role="fix"]:focus { border-color: $accent; }
QPushButton[role="chip"] {
  background: transparent; border: 1px solid $border; border-radius: 9px; color: $muted;
  padding: 2px 10px;
}
QPushButton[role="chip"]:hover { background: $hover; color: $text; }
QPushButton[role="chip"]:checked { background: $selection; color: $text; border-color: $accent; }
QPushButton[role="chip"]:focus { border-color: $text; }
QPushButton[role="primary"] {
  background: $accent; color: $on_accent; border-color: $accent; font-weight: 600;
}
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:disabled {
  background: $card; color: $muted; border-color: $border; font-weight: 600;
}
QPushButton[role="big"] {
  background: $accent; color: $on_accent; border-color: $accent; font-weight: 600;
  padding: 7px 22px; border-radius: 6px;
}
QPushButton[role="big"]:hover { background: $accent_hover; }
QPushButton[role="big"]:disabled { background: $card; color: $muted; border-color: $border; }
QPushButton[role="quiet"] { background: transparent; border-color: transparent; color: $muted; }
QPushButton[role="quiet"]:hover { background: $hover; color: $text; }
QPushButton[role="quiet"]:focus { border-color: $accent; }

QToolBar QToolButton { padding: 5px 9px; border-radius: 5px; }
QToolBar QToolButton[role="primary"] {
  background: $accent; color: $on_accent; font-weight: 600; padding: 5px 14px;
}
QToolBar QToolButton[role="primary"]:hover { background: $accent_hover; }
QToolBar QToolButton[role="primary"]:disabled { background: $card; color: $muted; }
QToolBar::separator { background: $border; width: 1px; margin: 6px 6px; }
QMenuBar { background: $panel; border-bottom: 1px solid $border; padding: 1px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QStatusBar QLabel { color: $muted; font-size: ${small_pt}pt; padding: 0 8px; }
QStatusBar QToolButton { color: $muted; font-size: ${small_pt}pt; padding: 0 8px; border: none; }
QStatusBar QToolButton:hover { color: $text; background: $hover; }
QStatusBar QToolButton:focus { color: $text; background: $selection; }
QToolButton[role="link"]:focus { text-decoration: underline; background: $selection; }
QPushButton[role="primary"]:focus, QPushButton[role="big"]:focus { border: 2px solid $text; }

QAbstractSpinBox {
  background: $field; border: 1px solid $border; border-radius: 5px; padding: 3px 6px;
}
QAbstractSpinBox:focus { border-color: $accent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {
  background: transparent; border: none; width: 14px;
}
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {
  border: none; padding: 0; background: transparent;
}

QFrame[role="card"] { background: $card; border: 1px solid $border; border-radius: 8px; }
QFrame[role="card"]:hover { border-color: $muted; background: $card_hover; }
QFrame[role="card"]:focus { border-color: $accent; }
QFrame[role="card"][chosen="true"] { border-color: $accent; background: $accent_soft; }
QFrame[role="box"] { background: $card; border: 1px solid $border; border-radius: 8px; }
QFrame[role="popover"] { background: $card; border: 1px solid $accent; border-radius: 6px; }
QFrame[role="errorbox"] { background: $error_soft; border: 1px solid $error; border-radius: 6px; }
QFrame[role="okbox"] { background: $success_soft; border: 1px solid $success; border-radius: 6px; }
QFrame[role="banner-info"] { background: $accent_soft; border: none;
  border-bottom: 1px solid $accent; }
QFrame[role="banner-warning"] { background: $warning_soft; border: none;
  border-bottom: 1px solid $warning; }
QWidget#surface { background: $surface; }
QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; }
QWidget#dockTitle { background: $panel; }
QPlainTextEdit#code { border: none; border-radius: 0; background: $surface; padding: 4px; }
QFrame#commandList { background: $card; border: 1px solid $border; border-radius: 8px; }
QTableView::item { padding: 0 8px; }
QTableView::indicator, QTreeView::indicator {
  width: 11px; height: 11px; border: 1px solid $muted; border-radius: 3px; background: $field;
}
QTableView::indicator:checked, QTreeView::indicator:checked {
  background: $accent; border-color: $accent;
}
QTreeView::indicator:indeterminate { background: $selection; border-color: $accent; }
QListView#commandRows { background: transparent; }
QProgressBar { max-height: 6px; min-height: 6px; border: none; border-radius: 3px;
  background: $border; }
""")


def sheet(tokens: Theme | None = None) -> str:
    """The stylesheet of the main window and of dialogs."""
    tokens = tokens or theme.current()
    values = {
        name: value.name() for name, value in vars(tokens).items() if isinstance(value, QColor)
    }
    base = theme.font().pointSizeF()
    values |= {
        "small_pt": f"{theme.font('small').pointSizeF():.1f}",
        "hero_pt": f"{base * 1.9:.1f}",
        "figure_pt": f"{base * 1.25:.1f}",
        "mono": theme.mono().family(),
        "accent_hover": mixed(tokens.accent, tokens.text, 0.86).name(),
        "card_hover": mixed(tokens.card, tokens.accent, 0.94).name(),
        "chip": mixed(tokens.card, tokens.text, 0.92).name(),
        "error_soft": mixed(tokens.error, tokens.panel, 0.10).name(),
        "accent_soft": mixed(tokens.accent, tokens.panel, 0.10).name(),
        "warning_soft": mixed(tokens.warning, tokens.panel, 0.10).name(),
        "success_soft": mixed(tokens.success, tokens.panel, 0.10).name(),
    }
    return _SHEET.substitute(values)
