"""What an exported file says of itself beside its weights: texts, longer ones as JSON."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from netbuilder.data.licences import LICENCES
from netbuilder.engine import preparing
from netbuilder.engine.trained import Trained
from netbuilder.training.records.events import finite
from netbuilder.training.records.folder import RunFolder


def metadata(model: Trained, run: Path | None) -> dict[str, str]:
    """The entries of a file's metadata by key; `run` is where its weights come from, if trained.

    `project` is JSON with the meaning of each input and output, `classes` a JSON list. Of the
    computer and its folders nothing is told.
    """
    about: dict[str, Any] = {"network": model.name, "inputs": {}, "outputs": {}}
    for kind, ports in (("inputs", model.meaning.inputs), ("outputs", model.meaning.targets)):
        for port, name in ports.items():
            entry: dict[str, Any] = {"field": name}
            if name in model.fields:
                entry |= {k: v for k, v in model.fields[name].to_json().items() if k != "name"}
            if name in model.statistics:
                entry["normalise"] = model.statistics[name].to_json()
            about[kind][port] = entry
    classes = [entry["classes"] for entry in about["outputs"].values() if entry.get("classes")]
    project = model.document.project
    found = {
        "title": project.title,
        "description": project.description,
        "netbuilder_version": version("netbuilder"),
        "project": json.dumps(about, sort_keys=True),
        "classes": json.dumps(classes[0]) if classes else "",
        "licence": str(project.about.get("licence") or ""),
        "dataset": _dataset(model),
        "run": _run(run) if run is not None else "",
    }
    return {key: text for key, text in found.items() if text}


def _dataset(model: Trained) -> str:
    source = preparing.source_in(model.document)
    if source is None:
        return ""
    told = {"id": source.id, "title": source.title, "licence": LICENCES.get(source.id, "")}
    return json.dumps({key: text for key, text in told.items() if text})


def _run(run: Path) -> str:
    folder = RunFolder(run)
    status = folder.status()
    kept = ("status", "epoch", "step")
    told = {"name": folder.path.resolve().name, **{key: status.get(key) for key in kept}}
    told["metrics"] = finite(status.get("metrics") or {})
    return json.dumps(told, sort_keys=True)
