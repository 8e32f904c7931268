"""Texts in files: tokens of every kind, pieces and documents, wrong encodings, proposals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.data import datasets, loading, places, settings, tokens
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.reading import opening, text_reading
from netbuilder.data.streaming import Streamed
from netbuilder.data.text_files import END, PADDING, SPECIALS, UNKNOWN, TextFiles
from netbuilder.errors import NetbuilderError, ProblemsError

LETTERS = tuple("\n abcdefghijklmnopqrstuvwxyz")


def texts(**params: Any) -> TextFiles:
    return settings.parse(TextFiles, {"vocabulary": LETTERS, **params}, "Texts")


def prepared(folder: Path, params: dict[str, Any], **more: Any) -> loading.Dataset:
    values = {"vocabulary": LETTERS, "path": str(folder), **params}
    data = {"source": TextFiles.id, "params": values, "validation": 0.0, **more}
    with places.given(Places(folder)):
        return datasets.prepare(settings.read(data))


@pytest.mark.parametrize("kind", ["byte", "character", "word"])
def test_tokens_become_the_text_again(kind: str) -> None:
    vocabulary = ("ein", "wort", "!") if kind == "word" else LETTERS
    source = texts(tokens=kind, vocabulary=vocabulary)
    text = "ein wort !" if kind == "word" else "ein wort"
    ids = tokens.encoder(source)(text)
    assert len(ids) == (3 if kind == "word" else 8)
    assert ids.max() < source.high()
    assert tokens.decode(source, [*ids, PADDING, END]) == text


def test_what_is_not_known_is_one_token_and_bytes_know_all() -> None:
    assert tokens.encoder(texts())("aß")[1] == UNKNOWN
    assert tokens.encoder(texts(lower=True))("A")[0] == tokens.encoder(texts())("a")[0]
    source = texts(tokens="byte", vocabulary=())
    assert len(source.names()) == 256 + len(SPECIALS)
    assert tokens.decode(source, tokens.encoder(source)("Größe 漢")) == "Größe 漢"


def test_bpe_is_that_of_a_tokenizers_file(tmp_path: Path) -> None:
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer(library.models.BPE(unk_token="?"))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(vocab_size=60, special_tokens=["?", "[PAD]"])
    made.train_from_iterator(["the cat and the dog and the bird"] * 20, trainer)
    size = made.get_vocab_size()
    (tmp_path / "tokenizer.json").write_text(made.to_str())
    (tmp_path / "t.txt").write_text("the cat and the dog " * 30)
    params = {
        "tokens": "bpe",
        "tokenizer": str(tmp_path / "tokenizer.json"),
        "size": size,
        "length": 8,
    }
    data = prepared(tmp_path, params)
    source = texts(**params, path=str(tmp_path))
    with places.given(Places(tmp_path)):
        assert tokens.decode(source, data.train["text"][0].tolist()).startswith("the cat")
        with pytest.raises(NetbuilderError, match=f"knows {size} tokens, not 7"):
            tokens.encoder(texts(**{**params, "size": 7}))
        (tmp_path / "tokenizer.json").write_text("{}")
        with pytest.raises(NetbuilderError, match="is no tokenizer"):
            tokens.encoder(source)


def test_packed_pieces_are_all_text_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcde")
    (tmp_path / "b.txt").write_text("fghij")
    (tmp_path / "c.png").write_bytes(b"\x89PNG")
    data = prepared(tmp_path, {"length": 4})
    source = texts(length=4)
    rows = data.train["text"]
    assert rows.shape == (3, 4)
    flat = rows.flatten().tolist()
    assert flat[5] == END
    assert tokens.decode(source, flat) == "abcdefghij"
    assert data.train["document"].tolist() == [0, 0, 1]


def test_documents_are_filled_up_and_masked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab\n\nabcdef\n")
    data = prepared(tmp_path, {"length": 4, "samples": "documents", "per": "line"})
    assert (data.train["text"] == PADDING).tolist() == [[False, False, True, True], [False] * 4]
    assert data.train["mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert data.notes == (("cut", "1 of 2 documents were cut to their beginning."),)


def test_folders_are_classes(tmp_path: Path) -> None:
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        for at in range(4):
            (tmp_path / name / f"{at}.txt").write_text(f"a {name} film")
    data = prepared(
        tmp_path, {"samples": "documents", "classes": ["bad", "good"], "length": 16}, validation=0.5
    )
    assert sorted(data.train["label"].tolist()) == [0, 0, 1, 1]
    with pytest.raises(ProblemsError, match="no texts in the folder 'fine'"):
        prepared(tmp_path, {"samples": "documents", "classes": ["bad", "fine"]})
    found = propose(tmp_path)
    assert (found.task, found.count) == ("classification", 8)
    assert found.params["classes"] == ["bad", "good"]
    assert "film" in found.params["vocabulary"]
    assert found.params["length"] == 32


def test_a_file_in_another_encoding_is_left_out_and_named(tmp_path: Path) -> None:
    for at in range(120):
        (tmp_path / f"{at:03}.txt").write_text("abcd")
    (tmp_path / "x.txt").write_bytes("ok\nä".encode("cp1252"))
    data = prepared(tmp_path, {"length": 4})
    assert data.notes[0][0] == "corrupt"
    assert "x.txt, line 2: byte 0xe4 is not utf-8" in data.notes[0][1]
    for at in range(3):
        (tmp_path / f"y{at}.txt").write_bytes(b"\xff")
    with pytest.raises(ProblemsError, match="4 of 124 texts can't be read"):
        prepared(tmp_path, {"length": 4})


def test_too_little_and_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match="no text files"):
        prepared(tmp_path, {})
    (tmp_path / "a.txt").write_text("abc")
    with pytest.raises(ProblemsError, match="only 3 tokens, and a sample has 65"):
        prepared(tmp_path, {})


def test_much_text_is_streamed_and_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("the quick brown fox jumps over it " * 20)
    whole = prepared(tmp_path, {"length": 8})
    monkeypatch.setattr(text_reading, "IN_MEMORY", 100)
    values = {"vocabulary": LETTERS, "path": str(tmp_path), "length": 8}
    data = settings.read({"source": TextFiles.id, "params": values, "validation": 0.0})
    with places.given(Places(tmp_path)):
        source = settings.source_of(data)
        assert isinstance(source, TextFiles)
        streamed = opening.prepare(source, data, in_memory=100)
    assert isinstance(streamed.train, Streamed)
    order = range(loading.size(whole.train))
    assert torch.equal(streamed.train.rows(order)["text"], whole.train["text"])


def test_a_text_given_by_hand_reads_like_a_document() -> None:
    made = text_reading.sample(texts(length=4), "ab")
    assert made["mask"].tolist() == [[1, 1, 0, 0]]
    with pytest.raises(NetbuilderError, match="is empty"):
        text_reading.sample(texts(), "")


def test_a_text_is_proposed_by_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("It was the best of times.\n" * 40)
    found = propose(path)
    assert (found.source, found.task) == (TextFiles.id, "language")
    assert found.params["tokens"] == "character"
    assert found.count == 16
    assert prepared(tmp_path, {**found.params}).train["text"].shape == (16, 65)
    path.write_text("".join(map(chr, range(0x4E00, 0x5100))))
    assert propose(path).params["tokens"] == "byte"


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(NetbuilderError, match="documents as samples"):
        texts(classes=["a"])
    with pytest.raises(NetbuilderError, match="for bpe, a tokenizer's file"):
        texts(tokens="bpe", path="x")
