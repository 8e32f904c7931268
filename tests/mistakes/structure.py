"""Wires, names and parameters."""

from __future__ import annotations

from tests.mistakes.base import Mistake, network
from tests.mistakes.drawings import (
    bad_name,
    circle,
    dead_end,
    no_input,
    no_output,
    repeated,
    unknown,
    unused_input,
    unwired,
    within_itself,
)

TITLE = "Wires, names and parameters"

MISTAKES = (
    Mistake(
        "No output",
        no_output,
        "The network 'main' has no output.",
        "Add an Output and connect what the network computes.",
        fix="Add an Output",
    ),
    Mistake(
        "No input",
        no_input,
        "The network 'main' has no input.",
        "Add an Input with the shape of one sample.",
        fix="Add an Input",
        others=1,
    ),
    Mistake(
        "An input of a layer that is not connected",
        unwired,
        "The input 'other' of 'sum' is not connected.",
        "Drag a wire from an output to it.",
        fix="Connect 'relu'",
        others=1,
    ),
    Mistake(
        "A layer whose result goes nowhere",
        dead_end,
        "Nothing that 'side' computes reaches an output.",
        "Connect it onwards, or delete it. It is left out until then.",
        fix="Delete it",
        severity="warning",
    ),
    Mistake(
        "An input that nobody uses",
        unused_input,
        "Nothing that 'extra' computes reaches an output.",
        "Connect it onwards, or delete it. It is left out until then.",
        fix="Delete it",
        severity="warning",
    ),
    Mistake(
        "Layers that feed each other in a circle",
        circle,
        "These nodes feed each other in a circle: join → fc → join.",
        "Remove one wire of the circle.",
        fix="Remove the wire into join",
    ),
    Mistake(
        "A name that Python can't have",
        bad_name,
        "The name '1st layer' can't be used in code; 'node_1st_layer' stands there.",
        "Give the node a name of its own of letters, digits and underscores.",
        fix="Rename to node_1st_layer",
        severity="warning",
    ),
    Mistake(
        "A parameter that was never set",
        network(lambda d: d.add("Conv2d", d.input(3, 8, 8), name="conv", out_channels=8)),
        "Conv2d needs a value for 'kernel_size'.",
        "Set it.",
        fix="Set kernel_size to 3",
    ),
    Mistake(
        "A parameter of another library",
        network(lambda d: d.add("Linear", d.input(8), name="head", units=10, out_features=10)),
        "Linear has no parameter 'units'.",
        "Its parameters: in_features, out_features, bias.",
        fix="Remove it",
    ),
    Mistake(
        "A size as text",
        network(lambda d: d.add("Linear", d.input(8), name="head", out_features="ten")),
        "'out_features' must be a whole number, not 'ten'.",
        "Change the value.",
        fix="Set out_features to 64",
    ),
    Mistake(
        "A layer of no size",
        network(lambda d: d.add("Linear", d.input(8), name="head", out_features=0)),
        "'out_features' must be at least 1, not 0.",
        "Change the value.",
        fix="Set out_features to 64",
    ),
    Mistake(
        "A layer that is not installed",
        unknown,
        "'swish' is a 'mylib.Swish', which this netbuilder does not know.",
        "Install what provides it, or delete the node. Its settings are kept.",
        why="what provides it must be installed outside",
        remedy="Install what provides it",
    ),
    Mistake(
        "A block that stands in itself",
        within_itself,
        "The block 'part' contains itself: part → part.",
        "Take one of them out of the other.",
        why="which of the two is to go is the person's to say",
        remedy="Take one of them out",
        others=1,
    ),
    Mistake(
        "A repeated block with more outputs than inputs",
        repeated,
        (
            "'part' can't be repeated: it has more outputs than inputs, and what comes out "
            "goes into the next one."
        ),
        "Set repeat to 1.",
        fix="Set repeat to 1",
    ),
)
