"""Networks from Python: the same use cases as the window's and the command line's.

    import netbuilder as nb
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", shape=(1, 8, 8))
    c = net.add("torch.nn.Conv2d", name="stem", out_channels=8, kernel_size=3)
    y = net.add("netbuilder.Output")
    net.connect(x, c)
    net.connect(c, y)
    model = project.module("main")

Nothing here imports torch before a module, a check or a training asks for it.
"""

from __future__ import annotations

from netbuilder.api.bringing import from_module, from_pt2, import_onnx, weights
from netbuilder.api.drawing import GraphRef, NodeRef, PortRef
from netbuilder.api.project import PathLike, Project, load, template
from netbuilder.api.telling import diff, figure, report
from netbuilder.api.using import Run, export, export_onnx, shrink, train

__all__ = [
    "GraphRef",
    "NodeRef",
    "PathLike",
    "PortRef",
    "Project",
    "Run",
    "diff",
    "export",
    "export_onnx",
    "figure",
    "from_module",
    "from_pt2",
    "import_onnx",
    "load",
    "report",
    "shrink",
    "template",
    "train",
    "weights",
]
