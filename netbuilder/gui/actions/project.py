"""Commands of whole projects: new, open, save, leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def _new_kind(window: MainWindow) -> None:
    """The usual kinds of training, as a menu where the pointer is."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QCursor

    from netbuilder.gui.starting.start_page import kinds_menu

    menu = kinds_menu(window, window.projects.new_kind)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(QCursor.pos())


def commands(window: MainWindow) -> list[Command]:
    """The File menu."""
    has = window.has_project
    return [
        Command("file.new", "New", window.projects.new, ("Ctrl+N",), "File", icon="new", bar=True),
        Command(
            "file.new_kind",
            "New of a kind…",
            lambda: _new_kind(window),
            menu="File",
        ),
        Command(
            "file.open", "Open…", window.projects.open, ("Ctrl+O",), "File", icon="open", bar=True
        ),
        Command(
            "file.data_folder",
            "Open a folder of data…",
            window.bring_data.choose_folder,
            menu="File",
        ),
        Command(
            "file.data_file",
            "Open a file of data…",
            window.bring_data.choose_file,
            ("Ctrl+Shift+O",),
            "File",
        ),
        Command("file.fetch", "Download data…", window.bring_data.fetch, menu="File"),
        Command("file.import", "Import…", lambda: _import(window), menu="File"),
        Command("file.start", "Start page", window.show_start, (), "File", icon="home"),
        Command(
            "file.save", "Save", window.projects.save, ("Ctrl+S",), "File", 1, "save", has, bar=True
        ),
        Command(
            "file.save_as",
            "Save as…",
            window.projects.save_as,
            ("Ctrl+Shift+S",),
            "File",
            1,
            "",
            has,
        ),
        Command(
            "file.revert",
            "Go back to the saved version",
            window.projects.revert,
            menu="File",
            section=1,
            enabled=window.projects.can_revert,
        ),
        Command(
            "file.compare_saved",
            "Compare with the saved version",
            lambda: _compare(window, saved=True),
            menu="File",
            section=1,
            enabled=window.projects.has_file,
        ),
        Command(
            "file.compare",
            "Compare with…",
            lambda: _compare(window),
            menu="File",
            section=1,
        ),
        Command(
            "file.merge",
            "Resolve a merge…",
            lambda: _merge(window),
            menu="File",
            section=1,
            enabled=window.projects.has_file,
        ),
        Command(
            "file.own_layers",
            "Add layers from a Python file…",
            window.own_code.choose,
            menu="File",
            section=1,
            enabled=has,
        ),
        Command(
            "file.weights",
            "Take weights from a file…",
            lambda: _weights(window),
            menu="File",
            section=1,
            enabled=has,
        ),
        Command(
            "file.picture",
            "Save a picture of the graph…",
            lambda: _picture(window),
            menu="File",
            section=1,
            enabled=has,
        ),
        Command(
            "file.picture_selection",
            "Save a picture of the selection…",
            lambda: _picture(window, selection=True),
            menu="File",
            section=1,
            enabled=window.has_selection,
        ),
        Command("file.quit", "Quit", window.close, ("Ctrl+Q",), "File", 2),
    ]


def _import(window: MainWindow) -> None:
    from netbuilder.gui.asking.importing import choose

    choose(window)


def _compare(window: MainWindow, *, saved: bool = False) -> None:
    from netbuilder.gui.comparing import opening

    if saved:
        opening.with_saved(window)
    else:
        opening.with_chosen(window)


def _merge(window: MainWindow) -> None:
    from netbuilder.gui.comparing import merging

    merging.open(window)


def _weights(window: MainWindow) -> None:
    from netbuilder.gui.asking.taking_weights import choose

    choose(window)


def _picture(window: MainWindow, *, selection: bool = False) -> None:
    from netbuilder.gui.pictures import save_picture

    save_picture(window, selection=selection)
