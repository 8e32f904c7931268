"""How long an export takes beside PyTorch's alone, in processor time and by the clock.

    python benchmarks/export_speed.py [--rounds 3] [TEMPLATE ...]

`torch alone` is a process that imports PyTorch, makes the network of its source, gives it its
weights and calls `torch.onnx.export`: what one would write by hand. `worker` is a request to a
worker that is there already, as from the window: a process of its own, a file that was verified
on samples of the data at several sizes. `command` is `netbuilder export`, from its start to its
end. The rounds of all three alternate; Python's bytecode is there for all, as it is for what pip
has installed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from netbuilder.app.templates import open_template
from netbuilder.engine import tasks
from netbuilder.exchange.options import ExportOptions
from netbuilder.storage import files

TEMPLATES = ("digits_cnn", "resnet18", "lstm_text")
ALONE = """
import importlib.util, sys, torch
from safetensors.torch import load_file
source, weights, out, kind, shape = sys.argv[1:]
spec = importlib.util.spec_from_file_location("net", source)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
network = [v for v in vars(module).values() if isinstance(v, type)
           and issubclass(v, torch.nn.Module) and v.__module__ == "net"][-1]()
network.load_state_dict(load_file(weights))
dims = [d if d.isalpha() else int(d) for d in shape.split(",")]
sizes = [{"N": 3}.get(d, 19) if isinstance(d, str) else d for d in dims]
example = torch.randn(sizes) if kind == "float32" else torch.zeros(sizes, dtype=torch.int64)
free = {at: d for at, d in enumerate(dims) if isinstance(d, str)}
torch.onnx.export(network.eval(), (example,), out, dynamo=True, dynamic_shapes=(free,),
                  verbose=False)
"""


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor, children's included, and by the clock."""

    def spent() -> float:
        of = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in of)

    cpu, wall = spent(), time.perf_counter()
    work()
    return spent() - cpu, time.perf_counter() - wall


def compare(template: str, rounds: int, folder: Path) -> None:
    """Print the line of one template."""
    document = open_template(template)
    project, source = folder / f"{template}.netb", folder / f"{template}.py"
    weights, out = folder / f"{template}.safetensors", folder / f"{template}.onnx"
    files.save(document, project)
    tasks.export(document, ExportOptions("code"), source)
    tasks.export(document, ExportOptions("safetensors"), weights)
    from netbuilder.exchange import interface

    [spec] = interface.of_network(document, "main").inputs
    given = [str(source), str(weights), str(out), spec.dtype, ",".join(map(str, spec.shape))]

    def run(*command: str) -> None:
        quiet = subprocess.DEVNULL
        subprocess.run([sys.executable, *command], check=True, stdout=quiet, stderr=quiet)

    ways: dict[str, Callable[[], object]] = {
        "torch alone": lambda: run("-c", ALONE, *given),
        "worker": lambda: tasks.export(document, ExportOptions("onnx"), out),
        "command": lambda: run(
            "-m", "netbuilder", "export", str(project), "--to", "onnx", "-o", str(out)
        ),
    }
    for work in ways.values():
        work()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            found[name].append(measured(work))
    cpu = {name: statistics.median(c for c, _ in each) for name, each in found.items()}
    wall = {name: statistics.median(w for _, w in each) for name, each in found.items()}
    alone = cpu["torch alone"], wall["torch alone"]
    told = "".join(
        f"{cpu[name]:8.2f}{cpu[name] / alone[0]:6.2f}{wall[name]:8.2f}{wall[name] / alone[1]:6.2f}"
        for name in ways
    )
    print(f"{template:14}{told}", flush=True)


def main() -> int:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("templates", nargs="*", default=TEMPLATES)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    heads = "".join(f"{name:>28}" for name in ("torch alone", "worker", "command"))
    print(f"{'':14}{heads}")
    print(f"{'':14}" + f"{'cpu s':>8}{'×':>6}{'wall s':>8}{'×':>6}" * 3)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        for template in given.templates:
            compare(template, given.rounds, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
