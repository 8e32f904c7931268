"""From a press of Import to the first picture, beside what onnx and ONNX Runtime take alone.

Files are made anew: the template `resnet50` by torch.onnx.export, and a graph of 2,000 nodes. Each
is imported in the window as a person does it: the dialog is there, the worker has begun; measured
is from the press of its button until the canvas with the new project has painted. The child that
reads the file starts when the dialog opens, which is looked at for `--look` seconds before the
press: what is left of the start is a part of what is measured. The proof comes after it.

`onnx_s` is onnx.load with shape inference, `runtime_s` ONNX Runtime's load of the same file, both
in this process with the libraries loaded. Seconds of CPU are those of all processes begun here: on
a machine that others use they say more than seconds on the clock. Prints one JSON line.

    OMP_NUM_THREADS=1 python benchmarks/import_speed.py [--rounds 3] [--look 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MODELS = ("resnet50", "chain_2000")
PATIENCE_S = 600.0


def resnet50(path: Path) -> None:
    """ResNet-50 of random weights, any batch."""
    import torch

    import netbuilder as nb

    module = nb.load(ROOT / "templates" / "resnet50.netb").module("main").eval()
    torch.onnx.export(
        module,
        (torch.randn(2, 3, 224, 224),),
        path,
        dynamo=False,
        input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
        opset_version=17,
    )


def chain_2000(path: Path) -> None:
    """2,000 operators: residual blocks of small products, with branches."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    random, nodes, fixed, last = np.random.default_rng(0), [], [], "x"
    for at in range(400):
        for name, shape in (("w", (16, 16)), ("b", (16,))):
            tensor = random.normal(0, 0.1, shape).astype(np.float32)
            fixed.append(numpy_helper.from_array(tensor, f"{name}{at}"))
        ends = [f"m{at}", f"a{at}", f"r{at}", f"s{at}", f"h{at}"]
        nodes.append(helper.make_node("MatMul", [last, f"w{at}"], [ends[0]]))
        nodes.append(helper.make_node("Add", [ends[0], f"b{at}"], [ends[1]]))
        nodes.append(helper.make_node("Tanh", [ends[1]], [ends[2]]))
        nodes.append(helper.make_node("Sigmoid", [ends[0]], [ends[3]]))
        nodes.append(helper.make_node("Mul", [ends[2], ends[3]], [ends[4]]))
        last = ends[4]
    size: list[str | int] = ["batch", 16]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, size)],
        fixed,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def cpu_s() -> float:
    """Seconds of CPU of this process and of all that were begun from it and still live or ended."""
    import psutil

    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def beside(path: Path) -> dict[str, float]:
    """What onnx and ONNX Runtime take for the same file."""
    import onnx
    import onnxruntime

    found = {}
    for name, work in (
        ("onnx_s", lambda: onnx.shape_inference.infer_shapes(onnx.load(path))),
        (
            "runtime_s",
            lambda: onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]),
        ),
    ):
        begun = time.process_time()
        work()
        found[name] = round(time.process_time() - begun, 3)
    return found


class Window:
    """The window, as a person has it before an import."""

    def __init__(self) -> None:
        from PySide6.QtWidgets import QApplication

        from netbuilder.gui.look import theme
        from netbuilder.gui.main_window import MainWindow

        self.app = QApplication([])
        theme.apply_theme(self.app, "dark")
        self.window = MainWindow()
        self.window.resize(1360, 840)
        self.window.show()
        self.window.prepare()
        self.window.open_template("digits_mlp")
        session = self.window.require_session()
        self.wait(lambda: session.report is not None and not session.analysing)

    def wait(self, until: Callable[[], bool]) -> None:
        """Handle events until something holds."""
        end = time.monotonic() + PATIENCE_S
        while not until():
            if time.monotonic() > end:
                raise TimeoutError("the window did not get there")
            self.app.processEvents()
            time.sleep(0.001)

    def bring(self, model: Path, out: Path, look: float) -> tuple[float, float]:
        """Seconds on the clock and of CPU from the press to the first picture.

        It comes before the proof, which is waited for afterwards.
        """
        from netbuilder.gui.asking.import_dialog import ImportDialog

        self.window.bring_data.take(model)
        dialog = self.window.findChildren(ImportDialog)[-1]
        assert isinstance(dialog, ImportDialog)
        dialog.path.setText(str(out))
        pressed = time.monotonic() + look
        self.wait(lambda: time.monotonic() > pressed)
        session = self.window.require_session()
        begun, used = time.monotonic(), cpu_s()
        dialog.start.click()
        self.wait(lambda: session.path == out or dialog.box.isVisible())
        if session.path != out:
            raise RuntimeError(f"{dialog.verdict.text()} {dialog.details.text()}")
        bench = self.window.bench
        assert bench is not None
        self.wait(lambda: not bench.canvas.canvas.filling)
        bench.canvas.viewport().repaint()
        took = time.monotonic() - begun, cpu_s() - used
        self.wait(lambda: dialog.box.isVisible())
        if "computes" not in dialog.verdict.text():
            raise RuntimeError(f"{dialog.verdict.text()} {dialog.details.text()}")
        dialog.close()
        self.wait(lambda: session.report is not None and not session.analysing)
        return took


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--look", type=float, default=5.0)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as place:
        os.environ["NETBUILDER_HOME"] = f"{place}/home"
        files: dict[str, Path] = {}
        for name in options.models:
            files[name] = Path(place) / f"{name}.onnx"
            globals()[name](files[name])
        answer: dict[str, Any] = {"figure": "import_speed", "look_s": options.look}
        window = Window()
        for name, path in files.items():
            rounds = [
                window.bring(path, Path(place) / f"{name}_{at}.netb", options.look)
                for at in range(options.rounds)
            ]
            wall, used = zip(*rounds, strict=True)
            answer[name] = {
                "wall_s": round(statistics.median(wall), 2),
                "best_wall_s": round(min(wall), 2),
                "cpu_s": round(statistics.median(used), 2),
                **beside(path),
            }
        answer["load"] = round(os.getloadavg()[0], 1)
        print(json.dumps(answer), flush=True)
        window.window.close()


if __name__ == "__main__":
    main()
