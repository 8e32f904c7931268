"""Activations, normalisation and dropout."""

from __future__ import annotations

from tests.mistakes.base import Mistake, mlp, network
from tests.mistakes.drawings import chain
from tests.mistakes.steps import batch_of_one

TITLE = "Activations, normalisation and dropout"

MISTAKES = (
    Mistake(
        "Softmax without a dim",
        network(lambda d: d.add("Softmax", d.input(10), name="softmax")),
        "Softmax has no dim: PyTorch would guess one, and warn.",
        "Set dim: -1 for the last one, 1 for the channels of an image.",
        fix="Set dim to -1",
    ),
    Mistake(
        "Softmax over the batch",
        network(lambda d: d.add("Softmax", d.input(10), name="softmax", dim=0)),
        "Softmax over dim 0 of N×10 mixes the samples of a batch.",
        "Use dim -1, or 1 for the channels of an image.",
        fix="Set dim to -1",
        severity="warning",
    ),
    Mistake(
        "Softmax over one score",
        network(lambda d: d.add("Softmax", mlp(d, 1), name="softmax", dim=-1)),
        "Softmax over dim -1 of N×1, a single number, is always the same.",
        "Use Sigmoid for one score, or a Linear with an output for each class.",
        fix="Use Sigmoid",
        severity="warning",
    ),
    Mistake(
        "Softmax over a dim that is not there",
        network(lambda d: d.add("Softmax", d.input(10), name="softmax", dim=2)),
        "Softmax has dim 2, but N×10 has only 2 dims.",
        "Choose dim from -2 to 1.",
        fix="Set dim to 1",
    ),
    Mistake(
        "Two activations in a row",
        network(
            lambda d: chain(
                d, mlp(d, 8), ("ReLU", {"name": "relu2"}), ("Sigmoid", {"name": "sigmoid"})
            )
        ),
        "'sigmoid' follows 'relu2', two activations with nothing to learn between them.",
        "Remove one, or put a layer with weights between them.",
        fix="Remove 'sigmoid'",
        severity="warning",
    ),
    Mistake(
        "Two Linear layers in a row",
        network(
            lambda d: chain(
                d,
                d.input(16),
                ("Linear", {"name": "fc1", "out_features": 64}),
                ("Linear", {"name": "fc2", "out_features": 10}),
            )
        ),
        (
            "'fc2' follows 'fc1' with no activation between: together they can do no more "
            "than one Linear."
        ),
        "Put an activation between them.",
        fix="Insert ReLU",
        severity="info",
    ),
    Mistake(
        "Two BatchNorms in a row",
        network(
            lambda d: chain(
                d,
                d.input(3, 8, 8),
                ("BatchNorm2d", {"name": "norm1"}),
                ("BatchNorm2d", {"name": "norm2"}),
            )
        ),
        "'norm2' normalises again what 'norm1' has normalised.",
        "Remove one, or put a layer with weights between them.",
        fix="Remove 'norm2'",
        severity="warning",
    ),
    Mistake(
        "A bias that BatchNorm takes away again",
        network(
            lambda d: chain(
                d,
                d.input(3, 8, 8),
                ("Conv2d", {"name": "conv", "out_channels": 8, "kernel_size": 3}),
                ("BatchNorm2d", {"name": "norm"}),
            )
        ),
        "The bias of 'conv' does nothing: 'norm' subtracts the mean.",
        "Turn it off to save weights.",
        fix="Turn the bias of 'conv' off",
        severity="info",
    ),
    Mistake(
        "BatchNorm2d behind Flatten",
        network(lambda d: d.add("BatchNorm2d", d.add("Flatten", d.input(3, 8, 8)), name="norm")),
        "BatchNorm2d expects N×C×H×W, gets N×192 (2 dims).",
        "Use BatchNorm1d for N×192.",
        fix="Use BatchNorm1d",
    ),
    Mistake(
        "BatchNorm1d on pictures",
        network(lambda d: d.add("BatchNorm1d", d.input(3, 8, 8), name="norm")),
        "BatchNorm1d expects N×C or N×C×L, gets N×3×8×8 (4 dims).",
        "Use BatchNorm2d for N×3×8×8.",
        fix="Use BatchNorm2d",
    ),
    Mistake(
        "BatchNorm with one sample a batch",
        batch_of_one,
        (
            "'norm' normalises over the batch, but the batch size is 1: N×8 leaves one number"
            " a feature."
        ),
        "Use a larger batch, or LayerNorm.",
        fix="Set the batch size to 32",
        severity="warning",
    ),
    Mistake(
        "LayerNorm of another width",
        network(lambda d: d.add("LayerNorm", d.input(20, 64), name="norm", normalized_shape=128)),
        "LayerNorm expects the last dims 128, gets N×20×64.",
        "Leave normalized_shape empty to take the last dim of the input.",
        fix="Take normalized_shape from the input",
    ),
    Mistake(
        "LayerNorm over a single number",
        network(lambda d: d.add("LayerNorm", mlp(d, 1), name="norm")),
        "LayerNorm works on one number at a time: of each nothing but the offset is left.",
        "Normalise before the size becomes 1, or over more dims: set normalized_shape.",
        fix="Remove 'norm'",
        severity="warning",
    ),
    Mistake(
        "GroupNorm whose groups do not divide the channels",
        network(lambda d: d.add("GroupNorm", d.input(6, 8, 8), name="norm", num_groups=4)),
        "6 channels can't be split into 4 groups.",
        "Choose a num_groups that divides the channels without a rest.",
        fix="Set num_groups to 3",
    ),
    Mistake(
        "GroupNorm with a group for each number",
        network(lambda d: d.add("GroupNorm", d.input(8), name="norm", num_groups=8)),
        "Each of the 8 groups of N×8 has one number: less its mean it is always zero.",
        "Use fewer groups.",
        fix="Set num_groups to 1",
        severity="warning",
    ),
    Mistake(
        "Dropout in percent",
        network(lambda d: d.add("Dropout", d.input(8), name="drop", p=50.0)),
        "'p' must be at most 1.0, not 50.0.",
        "Change the value.",
        fix="Use the default for p",
    ),
    Mistake(
        "Dropout of everything",
        network(lambda d: d.add("Dropout", d.input(8), name="drop", p=1.0)),
        "Dropout with p 1 drops everything: nothing can be learnt through it.",
        "Use a p of less than 1; 0.5 is usual between linear layers.",
        fix="Set p to 0.5",
        severity="warning",
    ),
    Mistake(
        "inplace on what a skip still needs",
        network(
            lambda d: (
                lambda x: d.add(
                    "torch.add", d.add("ReLU", x, name="relu", inplace=True), x, name="sum"
                )
            )(d.add("Linear", d.input(8), name="fc", out_features=8))
        ),
        "'relu' overwrites its input, but 'sum' reads it too.",
        "Turn inplace off.",
        fix="Set inplace to False",
    ),
)
