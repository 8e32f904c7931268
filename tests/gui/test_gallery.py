"""The start page's templates: found by words and families, walked through by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from netbuilder.app import resources, templates
from netbuilder.gui.look.widgets import scroller
from netbuilder.gui.starting.gallery import Gallery, fit
from netbuilder.gui.starting.template_cards import Card, count
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for


@pytest.fixture
def page(qapp: QApplication) -> Iterator[QScrollArea]:
    gallery = Gallery()
    area = scroller(gallery)
    area.resize(820, 600)
    area.show()
    gallery.load()
    wait_for(lambda: not gallery.busy, 60)
    yield area
    area.close()
    area.deleteLater()
    settle()


def _gallery(page: QScrollArea) -> Gallery:
    gallery = page.widget()
    assert isinstance(gallery, Gallery)
    return gallery


def _shown(gallery: Gallery) -> list[str]:
    return [card.info.id for card in gallery.grid.shown]


def test_every_template_has_a_card_and_those_that_are_seen_a_picture(page: QScrollArea) -> None:
    gallery = _gallery(page)
    assert _shown(gallery) == [info.id for info in templates.templates()]
    seen = [card for card in gallery.grid.cards if not card.visibleRegion().isEmpty()]
    assert 2 <= len(seen) < len(gallery.grid.cards)
    assert all(card.picture._document is not None for card in seen)
    last = gallery.grid.cards[-1]
    assert last.picture._document is None
    last.setFocus()
    wait_for(lambda: last.picture._document is not None, 60)
    assert not last.visibleRegion().isEmpty()


def test_words_find_templates_and_the_title_counts_most(page: QScrollArea) -> None:
    gallery = _gallery(page)
    QTest.keyClicks(gallery.search, "digits lstm")
    assert _shown(gallery)[0] == "digits_lstm"
    chosen: list[str] = []
    gallery.chosen.connect(chosen.append)
    QTest.keyClick(gallery.search, Qt.Key.Key_Return)
    assert chosen == ["digits_lstm"]
    QTest.keyClick(gallery.search, Qt.Key.Key_Escape)
    assert len(_shown(gallery)) == len(gallery.grid.cards)
    QTest.keyClicks(gallery.search, "transformer")
    fits = [fit(["transformer"], card.info) for card in gallery.grid.cards]
    found = [each for each in fits if each is not None]
    assert found != sorted(found)
    assert [fit(["transformer"], card.info) for card in gallery.grid.shown] == sorted(found)
    gallery.search.clear()
    QTest.keyClicks(gallery.search, "digits xyzzy")
    assert _shown(gallery) == []
    assert gallery.nothing.isVisible()
    QTest.keyClick(gallery.search, Qt.Key.Key_Return)
    assert len(chosen) == 1


def test_a_family_is_one_click_and_holds_under_a_search(page: QScrollArea) -> None:
    gallery = _gallery(page)
    families = {card.info.family for card in gallery.grid.cards}
    family = next(card.info.family for card in gallery.grid.cards if card.info.id == "vae")
    chip = gallery.chip(family)
    assert chip is not None
    assert len(gallery.chips.buttons()) == len(families) + 1
    QTest.mouseClick(chip, LEFT)
    assert {card.info.family for card in gallery.grid.shown} == {family}
    QTest.keyClicks(gallery.search, "gpt")
    assert all(card.info.family == family for card in gallery.grid.shown)
    everything = gallery.chip("All")
    assert everything is not None
    QTest.mouseClick(everything, LEFT)
    assert any("gpt" in id for id in _shown(gallery))


def test_arrows_walk_through_the_cards_and_letters_search(page: QScrollArea) -> None:
    gallery = _gallery(page)
    page.activateWindow()
    gallery.search.setFocus()
    cards = gallery.grid.shown

    def focused() -> object:
        return QApplication.focusWidget()

    QTest.keyClick(gallery.search, Qt.Key.Key_Down)
    assert focused() is cards[0]
    QTest.keyClick(cards[0], Qt.Key.Key_Right)
    assert focused() is cards[1]
    columns = gallery.grid._columns
    QTest.keyClick(cards[1], Qt.Key.Key_Down)
    assert focused() is cards[1 + columns]
    QTest.keyClick(cards[1 + columns], Qt.Key.Key_End)
    assert focused() is cards[-1]
    QTest.keyClick(cards[-1], Qt.Key.Key_Home)
    QTest.keyClick(cards[0], Qt.Key.Key_Left)
    assert focused() is cards[0]
    QTest.keyClick(cards[0], Qt.Key.Key_V)
    assert focused() is gallery.search
    assert gallery.search.text() == "v"
    QTest.keyClick(gallery.search, Qt.Key.Key_Down)
    QTest.keyClick(gallery.grid.shown[0], Qt.Key.Key_Up)
    assert focused() is gallery.search


def test_a_key_opens_a_card(hand: WindowHand) -> None:
    wait_for(lambda: not hand.window.start.gallery.busy, 60)
    card = hand.find(Card, "template.digits_mlp")
    card.setFocus()
    QTest.keyClick(card, Qt.Key.Key_Return)
    settle()
    assert hand.session.document.project.title == "Digits MLP"


def test_a_template_that_cannot_be_read_takes_no_other_with_it(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.netb").write_text("{", encoding="utf-8")
    good = resources.folder("templates") / "digits_mlp.netb"
    (tmp_path / "digits_mlp.netb").write_bytes(good.read_bytes())
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path)
    gallery = Gallery()
    failed: list[str] = []
    gallery.failed.connect(failed.append)
    gallery.show()
    gallery.load()
    wait_for(lambda: not gallery.busy, 60)
    assert _shown(gallery) == ["digits_mlp"]
    assert [text.partition(":")[0] for text in failed] == ["bad.netb"]
    gallery.close()
    gallery.deleteLater()


def test_nothing_is_made_while_nobody_looks(qapp: QApplication) -> None:
    gallery = Gallery()
    gallery.load()
    for _ in range(60):
        gallery._go_on()
    assert gallery.grid.cards == []
    gallery.show()
    wait_for(lambda: not gallery.busy, 60)
    assert gallery.grid.cards
    gallery.close()
    gallery.deleteLater()


def test_counts_in_few_letters() -> None:
    assert [count(n) for n in (9_978, 219_201, 61_100_840, 1_500_000_000)] == [
        "9,978",
        "219,201",
        "61.1 M",
        "1.5 G",
    ]


def test_families_have_one_name_each() -> None:
    """They are offered side by side: "Convolutional" beside "Convolutional network" are two."""
    families = {info.family for info in templates.templates()}
    words = {family.lower().removesuffix(" network") for family in families}
    assert len(words) == len(families), sorted(families)
