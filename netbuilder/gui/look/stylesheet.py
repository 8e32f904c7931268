"""The few rules that Fusion and a palette can't express."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

_SHEET = Template("""
QToolTip { background: $card; color: $text; border: 1px solid $border; padding: 4px 8px; }
QLabel[role="title"] { font-size: ${title_pt}pt; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="small"] { color: $muted; font-size: ${small_pt}pt; }
QLabel[role="error"] { color: $error; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="mono"] { font-family: "$mono"; }

QMainWindow::separator { background: $surface; width: 4px; height: 4px; }
QMainWindow::separator:hover { background: $accent; }
QSplitter::handle { background: $surface; }
QStatusBar { border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QToolBar { border: none; border-bottom: 1px solid $border; padding: 4px; spacing: 4px; }
QDockWidget::title { padding: 8px; text-align: left; }

QPushButton, QToolButton {
  background: $card; border: 1px solid $border; border-radius: 5px; padding: 4px 12px;
}
QToolButton { background: transparent; border-color: transparent; padding: 4px; }
QPushButton:hover, QToolButton:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed, QToolButton:checked { background: $selection; }
QPushButton:focus { border-color: $accent; }
QToolButton:focus { border-color: $accent; }
QPushButton:disabled, QToolButton:disabled { color: $muted; }
QPushButton:flat { background: transparent; border-color: transparent; }
QPushButton[primary="true"] {
  background: $accent; color: $on_accent; border-color: $accent; font-weight: 600;
}
QPushButton[primary="true"]:hover { background: $accent_hover; }
QPushButton[primary="true"]:disabled {
  background: $card; color: $muted; border-color: $border;
}

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
  background: $field; border: 1px solid $border; border-radius: 5px; padding: 3px 6px;
  selection-background-color: $selection; selection-color: $text;
}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QComboBox:focus { border-color: $accent; }
QLineEdit[invalid="true"] { border-color: $error; }
QComboBox::drop-down { border: none; width: 20px; }

QListView, QTreeView, QTableView {
  background: $field; border: 1px solid transparent; outline: none;
}
QListView:focus, QTreeView:focus, QTableView:focus { border-color: $accent; }
QHeaderView::section {
  background: $panel; color: $muted; border: none; border-bottom: 1px solid $border;
  padding: 4px 8px;
}
QTreeView#runLog::item { padding: 1px 5px; }
QMenu { background: $card; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 16px; border-radius: 4px; }
QMenu::item:selected { background: $selection; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }

QTabWidget::pane { border: none; }
QTabBar::tab {
  background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent;
  padding: 6px 12px;
}
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:focus { background: $selection; }

QScrollBar { background: transparent; border: none; margin: 0; }
QScrollBar:vertical { width: 10px; }
QScrollBar:horizontal { height: 10px; }
QScrollBar::handle { background: $border; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QProgressBar {
  background: $field; border: 1px solid $border; border-radius: 4px; text-align: center;
}
QProgressBar::chunk { background: $accent; border-radius: 3px; }
""")


def stylesheet(values: Mapping[str, str]) -> str:
    """The application's stylesheet with the theme's values filled in."""
    return _SHEET.substitute(values)
