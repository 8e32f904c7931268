"""A model in ONNX Runtime, beside whoever draws it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor

from netbuilder.exchange import verify
from netbuilder.exchange.bring.proof import Trial


def _wide(array: Any) -> Any:
    return array.astype(np.float32) if array.dtype == np.float16 else array


class Runtime:
    """The model in ONNX Runtime, as it is: nothing is fused or rounded otherwise.

    It works on a thread of its own, beside the drawing. What goes wrong there is raised where the
    answer is wanted. At the end of a `with` block it works no longer, not even on a loop that has
    no end. `marks` are names of values that are wanted, too, by whatever they are to be called.
    It takes and gives float32 in the place of float16.
    """

    def __init__(self, model: onnx.ModelProto, marks: Mapping[str, str] | None = None) -> None:
        self._model = model
        self._marks = dict(marks or {})
        self._options = ort.RunOptions()
        self._options.log_severity_level = 4  # that it was ended is no news
        self._pool = ThreadPoolExecutor(1, "ONNX Runtime")
        self._session: Any = None
        self._begun: list[tuple[Sequence[Tensor], Future[tuple[Tensor, ...]]]] = []

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_: object) -> None:
        self._options.terminate = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, trials: Iterable[Trial]) -> None:
        """Begin to work out what these give."""
        self._begun = [(given, self._pool.submit(self._run, given)) for _, given in trials]

    def __call__(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The model's outputs."""
        return self._all(inputs)[: len(self._model.graph.output)]

    def marked(self, inputs: Sequence[Tensor]) -> dict[str, Tensor]:
        """The values that are wanted beside the outputs, for inputs that were begun with."""
        values = self._all(inputs)[len(self._model.graph.output) :]
        return dict(zip(self._marks, values, strict=True))

    def _all(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        begun = next((answer for given, answer in self._begun if given is inputs), None)
        return begun.result() if begun is not None else self._run(inputs)

    def _run(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        if self._session is None:
            self._session = verify.session(self._bytes(), plain=True)
        session = self._session
        names = [each.name for each in session.get_inputs()]
        feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        for each in session.get_inputs():
            if each.type == "tensor(float16)":
                feed[each.name] = feed[each.name].astype(np.float16)
        results = session.run(None, feed, self._options)
        return tuple(torch.from_numpy(_wide(found)) for found in results)

    def _bytes(self) -> bytes:
        model = self._model
        if self._marks:
            model = onnx.ModelProto()
            model.CopyFrom(self._model)
        for name in self._marks.values():
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
        data: bytes = model.SerializeToString()
        return data
