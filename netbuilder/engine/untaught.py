"""A run of a project that has no training step: it keeps the weights it begins with.

So that a network drawn in Python can be exported, measured and compared like a trained one
before anybody has decided how to train it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netbuilder.compiler import analyse, build, own_files
from netbuilder.compiler.resolve import resolve
from netbuilder.data.settings import field_types
from netbuilder.engine import overrides, planning
from netbuilder.exchange import weights
from netbuilder.graph.document import Document
from netbuilder.layers import trusted
from netbuilder.storage import code_files, format
from netbuilder.storage import weights as storage
from netbuilder.training import randomness
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.reporter import Reporter
from netbuilder.training.settings import read_training

WARNING = "The project has no training step, so nothing was learned: the run has random weights."
BROUGHT = (
    "The project has no training step, so nothing was learned: the run has the weights that lie "
    "beside the project."
)


def keep(document: Document, run_dir: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Make the run and answer like `tasks.train`; `ProblemsError` if the project has errors."""
    document = overrides.apply(document, changes)
    settings = read_training(document.project.training)
    planning.refuse(analyse.analyse(document, field_types(document.project.data)).problems)
    trusted.refuse(own_files.unseen(resolve(document).document).files)
    folder = RunFolder.create(run_dir, format.dumps(document).encode())
    code_files.write_beside(document.project, folder.path, replace=True)
    storage.carry(document, folder.project_path)
    with folder.locked():
        randomness.seed_all(settings.seed)
        networks = build.build_networks(document)
        given = [weights.give(document, name, module) for name, module in networks.items()]
        states = {name: network.state_dict() for name, network in networks.items()}
        checkpoints.save(folder, "last", states, {"epoch": 0, "step": 0, "metrics": {}})
        warning = BROUGHT if any(each.filled for each in given) else WARNING
        report = Reporter(folder, lambda event: None)
        standing: dict[str, Any] = {
            "status": "finished",
            "reason": "nothing to learn",
            "error": None,
            "seconds": 0.0,
            "samples_per_second": 0.0,
            "metrics": {},
            "best": None,
        }
        report.warn("no-step", warning)
        report.emit("finished", standing)
        report.write_status(epochs=0, steps=0, **standing)
    return {"run": str(run_dir), "epochs": 0, "steps": 0, "warnings": [warning], **standing}
