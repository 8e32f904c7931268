"""Reshaping and indexing."""

from __future__ import annotations

from tests.mistakes.base import Mistake, network

TITLE = "Reshaping and indexing"

MISTAKES = (
    Mistake(
        "A Flatten that joins the samples of the batch",
        network(lambda d: d.add("Flatten", d.input(3, 8, 8), start_dim=0)),
        "Flatten from dim 0 joins the samples of the batch of N×3×8×8.",
        "Set start_dim to 1 to keep samples apart.",
        fix="Set start_dim to 1",
        severity="warning",
    ),
    Mistake(
        "An Unflatten into sizes that do not multiply to what there is",
        network(
            lambda d: d.add(
                "Unflatten", d.input(128), name="split", dim=1, unflattened_size=(2, 8, 4)
            )
        ),
        "Unflatten can't split 128 into 2×8×4.",
        "The sizes must multiply to 128; -1 stands for what is left.",
        fix="Set unflattened_size to 2, 8, 8",
    ),
    Mistake(
        "A reshape for one batch size only",
        network(lambda d: d.add("torch.reshape", d.input(64), shape=(32, 1, 8, 8))),
        "reshape makes 32×1×8×8 of N×64: that fits one batch size only.",
        "Put -1 first, in the place of the batch.",
        fix="Set shape to -1, 1, 8, 8",
    ),
    Mistake(
        "A reshape that takes numbers from several samples",
        network(lambda d: d.add("torch.reshape", d.input(64), shape=(-1, 16))),
        "N×64 has 64 numbers a sample, ·×16 has 16: reshape mixes the samples of a batch.",
        "Choose sizes after the -1 that multiply to 64.",
        fix="Set shape to -1, 4, 16",
        severity="warning",
    ),
    Mistake(
        "A reshape to sizes that do not come out even",
        network(lambda d: d.add("torch.reshape", d.input(64), shape=(-1, 1, 5, 5))),
        "N×64 has 64 numbers a sample, ·×1×5×5 has 25: reshape does not come out even.",
        "Choose sizes after the -1 that multiply to 64.",
        why="which sizes are meant nobody can tell",
        remedy="multiply to 64",
    ),
    Mistake(
        "view or reshape used to exchange dims",
        network(
            lambda d: d.add("torch.reshape", d.input(32, 32, 3), name="turn", shape=(-1, 3, 32, 32))
        ),
        (
            "reshape of N×32×32×3 to N×3×32×32 keeps the numbers in their order: it does not "
            "exchange dims, it scrambles them."
        ),
        "Use torch.permute with dims 0, 3, 1, 2.",
        fix="Permute to (0, 3, 1, 2)",
        severity="warning",
    ),
    Mistake(
        "A permute that does not name all dims",
        network(lambda d: d.add("torch.permute", d.input(3, 8), dims=(0, 1))),
        "permute needs each of the 3 dims of N×3×8 once, has 0, 1.",
        "Give the numbers 0 to 2 in the order you want, 0 (the batch) first.",
        why="the order that is meant is the person's to say",
        remedy="in the order you want",
    ),
    Mistake(
        "A dim number that is not there",
        network(lambda d: d.add("torch.mean", d.input(3, 8), dim=3)),
        "mean has dim 3, but N×3×8 has only 3 dims.",
        "Choose dim from -3 to 2.",
        fix="Set dim to 2",
    ),
    Mistake(
        "An index beyond the end",
        network(lambda d: d.add("torch.select", d.input(5, 8), dim=1, index=5)),
        "Dim 1 of N×5×8 has no index 5.",
        "Choose an index from 0 to 4, or -1 for the last.",
        fix="Set index to -1",
    ),
    Mistake(
        "squeeze of a dim that is not 1",
        network(lambda d: d.add("torch.squeeze", d.input(1, 8), dim=2)),
        "Dim 2 of N×1×8 is not 1, so squeeze leaves it.",
        "Choose a dim of size 1.",
        fix="Set dim to 1",
        severity="warning",
    ),
)
