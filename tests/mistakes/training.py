"""Training steps."""

from __future__ import annotations

from tests.mistakes.base import Mistake
from tests.mistakes.steps import (
    apart,
    detached,
    frozen,
    gan,
    misfit,
    misfit_dtype,
    next_word,
    no_field,
    no_loss,
    no_network,
    no_updates,
    not_a_loss,
    preview,
    two_losses,
    weightless,
    wrong_updates,
)

TITLE = "Training steps"

MISTAKES = (
    Mistake(
        "No Loss node",
        no_loss,
        "The training step 'train' has no loss.",
        "A step has exactly one Loss node: connect the number to make small to it.",
        fix="Add a Loss node",
    ),
    Mistake(
        "Two losses that are not added",
        two_losses,
        "The training step 'train' has 2 losses.",
        "A step has exactly one Loss node: connect the number to make small to it.",
        fix="Add both losses",
    ),
    Mistake(
        "A step that updates nothing",
        no_updates,
        "The training step 'train' updates no network.",
        "Choose in the step's settings which network it trains.",
        fix="Train 'main'",
    ),
    Mistake(
        "A step that updates a network it never calls",
        wrong_updates,
        "The training step 'train' updates 'other' but never calls it.",
        "Change what the step updates, or add a Network node that calls it.",
        fix="Train 'main'",
    ),
    Mistake(
        "A GAN's step that updates the wrong network",
        gan,
        (
            "The training step 'train' updates 'main', but its loss does not depend on what "
            "that network computes."
        ),
        "Change what the step updates, or connect the network's output to the loss.",
        fix="Train 'critic' instead",
        severity="warning",
    ),
    Mistake(
        "The gradient is cut off between network and loss",
        detached,
        (
            "The training step 'train' updates 'main', but 'detach' cuts the gradient off: "
            "nothing is learnt."
        ),
        "Let a way without it lead from the network to the loss.",
        fix="Remove 'detach'",
        severity="warning",
    ),
    Mistake(
        "The loss has nothing to do with the network",
        apart,
        (
            "The training step 'train' updates 'main', but its loss does not depend on what "
            "that network computes."
        ),
        "Change what the step updates, or connect the network's output to the loss.",
        severity="warning",
        why="what the loss is meant to judge is the person's to say",
        remedy="connect the network's output",
    ),
    Mistake(
        "Everything is frozen",
        frozen,
        (
            "The training step 'train' updates 'main', but 'main' calls it frozen: nothing is"
            " learnt."
        ),
        "Set mode to 'train', or leave it out of what the step updates.",
        fix="Set mode to train",
        severity="warning",
    ),
    Mistake(
        "A language model that sees the words it is to predict",
        next_word,
        (
            "'block' lets each step see those that come after it, and 'main' is to predict "
            "them: it will learn to copy."
        ),
        "Set is_causal, or wire a causal mask.",
        fix="Set is_causal to True",
        severity="warning",
    ),
    Mistake(
        "A network without weights",
        weightless,
        "The training step 'train' updates 'main', which has no weights to learn.",
        "Put layers with weights into the network, such as Linear or Conv2d.",
        severity="warning",
        why="which layers are meant nobody can tell",
        remedy="Put layers with weights",
    ),
    Mistake(
        "A network that the project does not have",
        no_network,
        "There is no network called 'mian'.",
        "Networks of this project: main.",
        fix="Use 'main'",
        others=3,
    ),
    Mistake(
        "A field that the data do not have",
        no_field,
        "The data has no field 'rows'.",
        (
            "Its fields: image, last, row, price, column, label, grade, labels, flag, answer,"
            " one_hot, tokens, tags."
        ),
        fix="Use 'row'",
    ),
    Mistake(
        "Data of another shape than the network takes",
        misfit,
        (
            "The network 'main' takes N×8 float32 as 'row', gets N×16 float32: dim 1 is 16 "
            "instead of 8."
        ),
        "Change the network's Input, or wire data of that shape to it.",
        fix="Set the shape of 'row' to 16",
    ),
    Mistake(
        "Data of another dtype than the network takes",
        misfit_dtype,
        (
            "The network 'main' takes N×16 float64 as 'row', gets N×16 float32: float32 "
            "instead of float64."
        ),
        "Change the network's Input, or wire data of that shape to it.",
        fix="Set the dtype of 'row' to float32",
    ),
    Mistake(
        "A preview as picture of what is none",
        preview,
        "A preview as 'image' needs 3 dims or more, gets N×1.",
        "Set kind to 'auto', or connect something else.",
        fix="Set kind to auto",
        severity="warning",
    ),
    Mistake(
        "The accuracy as a loss",
        not_a_loss,
        "The loss must be a floating point number, gets int64.",
        "Connect the output of a loss such as CrossEntropyLoss.",
        why="which loss is meant depends on the task",
        remedy="CrossEntropyLoss",
    ),
)
