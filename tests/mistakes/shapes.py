"""Shapes of pictures and rows."""

from __future__ import annotations

from tests.mistakes.base import Mistake, network
from tests.mistakes.drawings import chain, unpooled

TITLE = "Shapes of pictures and rows"

MISTAKES = (
    Mistake(
        "A Linear straight after a convolution, without Flatten",
        network(
            lambda d: d.add(
                "Linear",
                d.add("Conv2d", d.input(3, 8, 8), out_channels=16, kernel_size=3),
                name="head",
                out_features=10,
            )
        ),
        "Linear works on the last dim of N×16×6×6 only (6 numbers).",
        "Put a Flatten before it to use all 576 numbers of a sample.",
        fix="Insert Flatten",
        severity="warning",
    ),
    Mistake(
        "in_features worked out for the flattened image, but no Flatten",
        network(
            lambda d: d.add(
                "Linear",
                d.add("Conv2d", d.input(3, 8, 8), out_channels=16, kernel_size=3),
                name="head",
                in_features=576,
                out_features=10,
            )
        ),
        "Linear expects 576 features, gets 6.",
        "Flatten the N×16×6×6 input to N×576, or leave in_features empty.",
        fix="Insert Flatten",
    ),
    Mistake(
        "in_features worked out wrongly",
        network(
            lambda d: d.add(
                "Linear",
                d.add("Flatten", d.input(3, 8, 8)),
                name="head",
                in_features=128,
                out_features=10,
            )
        ),
        "Linear expects 128 features, gets 192.",
        "Leave in_features empty to take it from the input, or change what comes in.",
        fix="Take in_features from the input",
    ),
    Mistake(
        "in_channels of another picture: grey instead of colour",
        network(
            lambda d: d.add(
                "Conv2d",
                d.input(1, 28, 28),
                name="conv",
                in_channels=3,
                out_channels=8,
                kernel_size=3,
            )
        ),
        "Conv2d expects 3 channels, gets 1.",
        "Leave in_channels empty to take it from the input, or change what comes in.",
        fix="Take in_channels from the input",
    ),
    Mistake(
        "Channels last, as NumPy and TensorFlow have pictures",
        network(
            lambda d: d.add(
                "Conv2d",
                d.input(32, 32, 3),
                name="conv",
                in_channels=3,
                out_channels=8,
                kernel_size=3,
            )
        ),
        "Conv2d expects 3 channels, gets 32.",
        "The channels of N×32×32×3 come last: permute it to N×C×H×W.",
        fix="Permute to N×C×H×W",
    ),
    Mistake(
        "Channels last, where nothing says how many channels are wanted",
        network(
            lambda d: d.add(
                "Conv2d", d.input(32, 32, 3), name="conv", out_channels=8, kernel_size=3
            )
        ),
        (
            "Conv2d takes dim 1 of N×32×32×3 for channels, but the channels of 'input' seem "
            "to come last."
        ),
        "PyTorch wants N×C×H×W: permute the pictures.",
        fix="Permute to N×C×H×W",
        severity="warning",
    ),
    Mistake(
        "Grey pictures without a dim for the channel",
        network(
            lambda d: d.add("Conv2d", d.input(28, 28), name="conv", out_channels=8, kernel_size=3)
        ),
        "Conv2d expects N×C×H×W, gets N×28×28 (3 dims).",
        "Put torch.unsqueeze with dim=1 before it to add the missing dim.",
        fix="Insert a dim at 1",
    ),
    Mistake(
        "The batch size in the shape of the Input",
        network(
            lambda d: d.add(
                "Conv2d",
                d.input(32, 3, 28, 28, name="image"),
                name="conv",
                out_channels=8,
                kernel_size=3,
            )
        ),
        "Conv2d expects N×C×H×W, gets N×32×3×28×28 (5 dims).",
        "The shape of an Input leaves the batch out: 3×28×28.",
        fix="Leave 32 out of the shape of 'image'",
    ),
    Mistake(
        "N in the shape of the Input",
        network(
            lambda d: d.add("Linear", d.input("N", 16, name="row"), name="head", out_features=2)
        ),
        "N stands for the batch, which the shape leaves out.",
        "Remove N from the shape, or use another letter.",
        fix="Set shape to 16",
    ),
    Mistake(
        "A kernel larger than its input",
        network(
            lambda d: d.add("Conv2d", d.input(3, 4, 4), name="conv", out_channels=8, kernel_size=7)
        ),
        "The 7×7 window of Conv2d is larger than its input of 4×4.",
        "Use a smaller kernel_size, more padding, or fewer layers that shrink the input.",
        fix="Set padding to 2",
    ),
    Mistake(
        "Pooling until no pixel is left",
        network(
            lambda d: chain(
                d,
                d.input(1, 6, 6),
                ("MaxPool2d", {"kernel_size": 2}),
                ("MaxPool2d", {"kernel_size": 2}),
                ("MaxPool2d", {"kernel_size": 2}),
            )
        ),
        "The 2×2 window of MaxPool2d is larger than its input of 1×1.",
        "Of each channel of N×1×1×1 one number is left: pool less often.",
        fix="Remove 'max_pool2d_3'",
    ),
    Mistake(
        "Padding of more than half a pooling window",
        network(lambda d: d.add("MaxPool2d", d.input(3, 8, 8), kernel_size=2, padding=2)),
        "padding 2 is more than half of the kernel size 2.",
        "Use at most 1.",
        fix="Set padding to 1, 1",
    ),
    Mistake(
        "Groups that do not divide the channels that come in",
        network(
            lambda d: d.add(
                "Conv2d", d.input(3, 8, 8), name="conv", out_channels=8, kernel_size=3, groups=2
            )
        ),
        "3 in_channels can't be split into 2 groups.",
        "Choose groups so that it divides in_channels without a rest.",
        fix="Set groups to 1",
    ),
    Mistake(
        "A depthwise convolution with too few output channels",
        network(
            lambda d: d.add(
                "Conv2d", d.input(16, 8, 8), name="conv", out_channels=24, kernel_size=3, groups=16
            )
        ),
        "24 out_channels can't be split into 16 groups.",
        "Choose groups so that it divides out_channels without a rest.",
        fix="Set groups to 1",
    ),
    Mistake(
        "padding='same' with a stride",
        network(
            lambda d: d.add(
                "Conv2d",
                d.input(3, 8, 8),
                name="conv",
                out_channels=8,
                kernel_size=3,
                padding="same",
                stride=2,
            )
        ),
        "padding 'same' works with stride 1 only.",
        "Set stride to 1, or give the padding as a number.",
        fix="Set stride to 1",
    ),
    Mistake(
        "Mirrored padding wider than the picture",
        network(
            lambda d: d.add(
                "Conv1d",
                d.input(1, 2),
                name="conv",
                out_channels=2,
                kernel_size=5,
                padding=2,
                padding_mode="reflect",
            )
        ),
        "padding 2 is too much for an input of 2 with padding_mode 'reflect'.",
        "Use at most 1, or padding_mode 'zeros'.",
        fix="Set padding_mode to zeros",
    ),
    Mistake(
        "output_padding as large as the stride",
        network(
            lambda d: d.add(
                "ConvTranspose2d",
                d.input(8, 4, 4),
                name="up",
                out_channels=4,
                kernel_size=2,
                stride=2,
                output_padding=2,
            )
        ),
        "output_padding 2 must be less than the stride or the dilation (2, 1).",
        "Set output_padding to 0, or use a larger stride.",
        fix="Set output_padding to 0",
    ),
    Mistake(
        "So much padding that a transposed convolution leaves nothing",
        network(
            lambda d: d.add(
                "ConvTranspose1d",
                d.input(1, 2),
                name="up",
                out_channels=2,
                kernel_size=3,
                padding=3,
            )
        ),
        "With padding 3 nothing is left of an input of 2: the size would be -2.",
        "Use less padding: here it is cut from the result.",
        fix="Set padding to 0",
    ),
    Mistake(
        "A kernel that the stride does not divide, in an upsampling",
        network(
            lambda d: d.add(
                "ConvTranspose2d",
                d.input(8, 4, 4),
                name="up",
                out_channels=4,
                kernel_size=3,
                stride=2,
                padding=1,
                output_padding=1,
            )
        ),
        (
            "A kernel of 3 with stride 2 covers some pixels more often than others: pictures "
            "may show a chequered pattern."
        ),
        "Use a kernel_size that stride divides, such as 4.",
        fix="Set kernel_size to 4",
        severity="info",
    ),
    Mistake(
        "An unpooling without the indices of its pooling",
        network(unpooled),
        "The input 'indices' of 'unpool' is not connected.",
        "Drag a wire from an output to it.",
        fix="Connect the indices of 'pool'",
    ),
)
