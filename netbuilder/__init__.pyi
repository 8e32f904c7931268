from netbuilder.api import Project as Project
from netbuilder.api import Run as Run
from netbuilder.api import export_onnx as export_onnx
from netbuilder.api import from_module as from_module
from netbuilder.api import from_pt2 as from_pt2
from netbuilder.api import load as load
from netbuilder.api import template as template
from netbuilder.api import train as train
