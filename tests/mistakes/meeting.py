"""Branches that meet."""

from __future__ import annotations

from tests.mistakes.base import Mistake, network
from tests.mistakes.drawings import odd_unet, residual, shared

TITLE = "Branches that meet"

MISTAKES = (
    Mistake(
        "A skip with other channels",
        network(lambda d: residual(d, out_channels=16, kernel_size=3, padding=1)),
        "add can't combine N×16×16×16 with N×8×16×16: dim -3 is 16 and 8.",
        "Bring both to the same shape; a size of 1 fits any other.",
        fix="Project the skip",
    ),
    Mistake(
        "A skip around a convolution with a stride",
        network(lambda d: residual(d, out_channels=8, kernel_size=3, padding=1, stride=2)),
        "add can't combine N×8×8×8 with N×8×16×16: dim -1 is 8 and 16.",
        "Bring both to the same shape; a size of 1 fits any other.",
        fix="Project the skip",
    ),
    Mistake(
        "A skip around a convolution without padding",
        network(lambda d: residual(d, out_channels=8, kernel_size=3)),
        "add can't combine N×8×14×14 with N×8×16×16: dim -1 is 14 and 16.",
        "Bring both to the same shape; a size of 1 fits any other.",
        fix="Pad conv so that sizes stay",
    ),
    Mistake(
        "Upsampled pictures one pixel too small for the skip of a U-Net",
        network(odd_unet),
        "cat can't join N×3×15×15 and N×3×14×14: dim 2 is 15 and 14.",
        "All sizes must be equal but that of dim 1.",
        fix="Average 'tensors_0' down to 14×14",
    ),
    Mistake(
        "Joining the samples of the batch instead of the channels",
        network(
            lambda d: d.add(
                "torch.cat", d.input(8, name="a"), d.input(8, name="b"), name="join", dim=0
            )
        ),
        "cat along dim 0 puts the batches behind one another.",
        "Set dim to 1 to join the channels or features of each sample.",
        fix="Set dim to 1",
        severity="warning",
    ),
    Mistake(
        "Joining pictures along a dim in which they differ elsewhere",
        network(
            lambda d: d.add(
                "torch.cat",
                d.input(3, 8, 8, name="a"),
                d.input(3, 4, 8, name="b"),
                name="join",
                dim=1,
            )
        ),
        "cat can't join N×3×8×8 and N×3×4×8: dim 2 is 8 and 4.",
        "All sizes must be equal but that of dim 1.",
        fix="Set dim to 2",
    ),
    Mistake(
        "Joining an image with a row of numbers",
        network(
            lambda d: d.add(
                "torch.cat", d.input(2, 4, 4, name="a"), d.input(32, name="b"), name="join", dim=1
            )
        ),
        "cat can't join N×2×4×4 and N×32: 4 and 2 dims.",
        "Bring all to the same number of dims.",
        fix="Flatten 'tensors_0'",
    ),
    Mistake(
        "Stacking what is not of one shape",
        network(
            lambda d: d.add(
                "torch.stack", d.input(8, name="a"), d.input(6, name="b"), name="stack", dim=1
            )
        ),
        "stack can't join N×8 and N×6: dim 1 is 8 and 6.",
        "All sizes must be equal.",
        why="which of the two is to change depends on what they mean",
        remedy="All sizes must be equal",
    ),
    Mistake(
        "A gate for each channel without dims for height and width",
        network(
            lambda d: d.add(
                "torch.mul", d.input(16, 8, 8, name="image"), d.input(16, name="gate"), name="scale"
            )
        ),
        "multiply can't combine N×16×8×8 with N×16: dim -1 is 8 and 16.",
        "Bring both to the same shape; a size of 1 fits any other.",
        fix="Add 2 dims of 1 behind N×16",
    ),
    Mistake(
        "A column and a row: every sample with every other",
        network(
            lambda d: d.add(
                "torch.sub", d.input(1, name="column"), d.input(name="row"), name="error"
            )
        ),
        (
            "subtract of N×1 and N pairs every sample with every other: the result would have"
            " 2 batch dims."
        ),
        "Add a dim of 1 to the smaller one, or remove one from the larger.",
        fix="Insert a dim at 1",
        severity="warning",
    ),
    Mistake(
        "A column and a row of numbers that are no batch",
        network(
            lambda d: d.add(
                "torch.sub",
                d.input(5, 1, name="column", batched=False),
                d.input(5, name="row", batched=False),
                name="error",
            )
        ),
        "subtract of 5×1 and 5 pairs every number with every other.",
        "Add a dim of 1 to the smaller one, or remove one from the larger.",
        fix="Insert a dim at -1",
        severity="warning",
    ),
    Mistake(
        "A number for each sample subtracted from a row for each",
        network(
            lambda d: d.add(
                "torch.sub", d.input(4, name="rows"), d.input(name="value"), name="error"
            )
        ),
        "subtract can't combine N×4 with N: dim -1 is 4 and N.",
        "Bring both to the same shape; a size of 1 fits any other.",
        fix="Add a dim of 1",
    ),
    Mistake(
        "The right matrix of a product is transposed",
        network(
            lambda d: d.add(
                "torch.matmul", d.input(6, 4, name="q"), d.input(6, 4, name="k"), name="scores"
            )
        ),
        "matmul can't multiply N×6×4 by N×6×4: 4 columns meet 6 rows.",
        "The last dim of input and the last but one of other must be equal.",
        fix="Transpose other",
    ),
    Mistake(
        "Shared weights for inputs of other sizes",
        shared,
        "The weights of 'one' don't fit 'two', which are for in_features 8; here it is 6.",
        "Change what comes in, or give the node weights of its own.",
        fix="Give it weights of its own",
    ),
)
