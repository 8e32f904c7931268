"""An import that is written before it is compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from netbuilder.exchange.bring import child, proof
from netbuilder.exchange.watched import Progress
from netbuilder.graph import edits
from netbuilder.graph.history import History
from netbuilder.storage import files


def linear(folder: Path) -> Path:
    """A product and a sum, which are lifted to one layer."""
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 3] x) => (float[n, 2] y) '
        "{ m = MatMul(x, w) y = Add(m, b) }"
    )
    made = parser.parse_model(text)
    for name, shape in (("w", (3, 2)), ("b", (2,))):
        array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        made.graph.initializer.append(numpy_helper.from_array(array, name))
    onnx.save(made, folder / "m.onnx")
    return folder / "m.onnx"


@pytest.mark.parametrize("ending", ["same", "departs", "edited"])
def test_the_project_lies_there_before_it_is_compared(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lifted one that departs is replaced by one that is not, unless somebody edited it."""
    out = tmp_path / "m.netb"
    job = {"model": str(linear(tmp_path)), "out": str(out), "kind": "", "fold": False}
    seen: list[list[str]] = []
    compare = proof.Built.compare

    def judged(self: proof.Built, *args: object) -> proof.Verdict:
        verdict = compare(self, *args)  # type: ignore[arg-type]
        return replace(verdict, verified=ending == "same" or len(seen) > 1)

    def layers() -> list[str]:
        main = files.load(out).network("main")
        assert main is not None
        return [node.layer.rpartition(".")[2] for node in main.ordered()]

    def tell(progress: Progress) -> None:
        if not progress.written:
            if progress.what == "Comparing both" and not progress.done:
                seen.append(layers())
            return
        document = files.load(out)
        graph = document.network("main")
        assert graph is not None
        node = next(iter(graph.nodes.values()))
        edits.move(History(document), graph, {node.id: (1000.0, 1000.0)})
        if ending == "edited":
            edits.set_node(History(document), graph, node.id, note="mine")
        files.save(document, out)

    monkeypatch.setattr(proof.Built, "compare", judged)
    answer = child.run({**job, "early": True}, tell)
    assert "add" not in seen[0]
    assert ("add" in layers()) is (ending == "departs")
    assert (answer.get("redrawn") is True) is (ending == "departs")
    assert ("error" in answer) is (ending == "edited")
    assert out.with_suffix(".safetensors").is_file()
