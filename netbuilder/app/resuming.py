"""What came of the check that a training goes on exactly, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(answer: Mapping[str, Any]) -> str:
    """The answer of `verify_resume` as sentences for a person."""
    compared, steps, stop = answer["compared"], answer["steps"], answer["stopped_at"]
    if answer["exact"]:
        return (
            f"Stopped after {stop} of {steps} batches and gone on, the training gave the same "
            f"{compared['losses']} losses, {compared['metrics']} metrics and "
            f"{compared['tensors']} tensors, bit for bit."
        )
    found = answer["first_difference"]
    text = f"'{found['key']}' differs at batch {found['step']}"
    if found["whole"] is not None and found["resumed"] is not None:
        text += f": {found['whole']} without a stop, {found['resumed']} with one"
    return f"{text}. The stop was after batch {stop} of {steps}."
