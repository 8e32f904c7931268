"""Files in shorter numbers, and the graph on 32-bit floats that they are drawn as.

The drawing is held against its twin as closely as any other file's; the twin against the file as
it is, where rounding at every node leaves room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx
from torch import nn

from netbuilder.errors import ExportError
from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.bring.proof import Trial
from netbuilder.exchange.onnx_in import unquantising, widening
from netbuilder.exchange.onnx_in.graph import OnnxModule
from netbuilder.exchange.onnx_in.runtime import Runtime
from netbuilder.parts.fake_quantising import FakeQuantize

INTEGERS = 0.1
"""By how much, in the root mean square, a graph on floats may depart from one on 8-bit integers:
a number between two steps goes up in one and down in the other, and so on from node to node."""


@dataclass(frozen=True, slots=True)
class Twin:
    """What is drawn of a file: `model`. `file` is the file as it is, where that is another.

    It takes and gives what the model does; `bound` is by how much the two may depart, in the root
    mean square, `numbers` what the file computes in, for a person. `rewritten` says that other
    operators stand in the place of the file's, which nothing proves but the file itself.
    """

    model: onnx.ModelProto
    file: onnx.ModelProto | None = None
    bound: float = 0.0
    numbers: str = ""
    rewritten: bool = False

    def marks(self, module: OnnxModule) -> dict[str, str]:
        """Where numbers are rounded: values of the model, by the paths of the module's parts."""
        made = {name for node in self.model.graph.node for name in node.output}
        made -= {value.name for value in self.model.graph.output}
        calls = {id(part): step.call for step in module.steps for part in step.call.held}
        found: dict[str, str] = {}
        for path, part in module.named_children():
            call = calls.get(id(part))
            if call is not None and rounds(part) and call.outputs[0] in made:
                found[path] = call.outputs[0]
        return found


def rounds(part: nn.Module) -> bool:
    """Whether a part of a module rounds to steps."""
    return isinstance(part, FakeQuantize)


def of(model: onnx.ModelProto) -> Twin:
    """What to draw of a model that was read."""
    short = widening.kinds(model)
    wide = widening.widened(model) if short else model
    made = unquantising.unquantised(wide)
    if made is model:
        return Twin(model)
    bounds = [widening.BOUNDS[kind] for kind in short]
    numbers = list(short)
    if made is not wide:
        bounds.append(INTEGERS)
        numbers.append("integers")
    file = widening.between(model) if short else model
    return Twin(made, file, max(bounds), " and ".join(numbers), made is not wide)


def held(brought: Brought, twin: Twin, trials: Sequence[Trial], runtime: Runtime) -> Brought:
    """What was brought, held against the file as it is; `runtime` runs the twin."""
    if twin.file is None:
        return brought
    said = f"The file computes in {twin.numbers}, the project in float32."
    if not brought.verified:
        return replace(brought, notes=(*brought.notes, said))
    worst = 0.0
    try:
        with Runtime(twin.file) as file:
            for _, inputs in trials:
                found, expected = file(inputs), runtime(inputs)
                pairs = [[each.numpy() for each in side] for side in (expected, found)]
                worst = max(worst, widening.departs(*pairs))
    except (ExportError, RuntimeError, ValueError, NotImplementedError) as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)[:300]
        note = f"{said} ONNX Runtime does not run it as it is; it was compared in float32. ({why})"
        return replace(brought, verified=not twin.rewritten, notes=(*brought.notes, note))
    text = f"{said} Outputs depart by {100 * worst:.2g} %"
    if worst <= twin.bound:
        return replace(brought, notes=(*brought.notes, f"{text}."))
    text = f"{text}; {100 * twin.bound:g} % may come of rounding."
    return replace(brought, verified=False, notes=(*brought.notes, text))
