"""Losses and metrics."""

from __future__ import annotations

from tests.mistakes.base import Mistake, mlp, step
from tests.mistakes.drawings import reader
from tests.mistakes.steps import measured, measured_one, measured_top

TITLE = "Losses and metrics"

MISTAKES = (
    Mistake(
        "Softmax before CrossEntropyLoss",
        step(
            lambda d: mlp(d, 10, "Softmax", dim=-1),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce"),
            "row",
            "label",
        ),
        (
            "CrossEntropyLoss takes softmax itself, but 'softmax_at_end' of 'main' has done "
            "it already: the gradients become small and the network learns slowly."
        ),
        "Let the network end before the softmax. Take it when you use the network.",
        fix="Remove 'softmax_at_end'",
        severity="warning",
    ),
    Mistake(
        "LogSoftmax before CrossEntropyLoss",
        step(
            lambda d: mlp(d, 10, "LogSoftmax", dim=-1),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce"),
            "row",
            "label",
        ),
        (
            "CrossEntropyLoss takes log-softmax itself; that 'logsoftmax_at_end' of 'main' "
            "has done it already changes nothing."
        ),
        "Remove it, or use NLLLoss.",
        fix="Remove 'logsoftmax_at_end'",
        severity="info",
    ),
    Mistake(
        "Sigmoid before CrossEntropyLoss",
        step(
            lambda d: mlp(d, 10, "Sigmoid"),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce"),
            "row",
            "label",
        ),
        (
            "CrossEntropyLoss takes scores of any size, but 'sigmoid_at_end' of 'main' "
            "squashes them: the network can never be sure of a class."
        ),
        "Let the network end before the Sigmoid.",
        fix="Remove 'sigmoid_at_end'",
        severity="warning",
    ),
    Mistake(
        "ReLU behind the last layer of a classifier",
        step(
            lambda d: mlp(d, 10, "ReLU"),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce"),
            "row",
            "label",
        ),
        (
            "CrossEntropyLoss takes scores of any sign, but 'relu_at_end' of 'main' makes "
            "zeros of all negative ones, which then learn nothing."
        ),
        "Let the network end before the ReLU.",
        fix="Remove 'relu_at_end'",
        severity="warning",
    ),
    Mistake(
        "NLLLoss without LogSoftmax",
        step(
            lambda d: mlp(d, 10),
            lambda d, y, f: d.add("NLLLoss", y, f["label"], name="nll"),
            "row",
            "label",
        ),
        (
            "NLLLoss takes logarithms of probabilities, but 'head' of 'main' gives plain "
            "scores: the loss falls below zero and means nothing."
        ),
        "Use CrossEntropyLoss, which does both, or end the network with LogSoftmax.",
        fix="Use CrossEntropyLoss",
        severity="warning",
    ),
    Mistake(
        "NLLLoss after Softmax instead of LogSoftmax",
        step(
            lambda d: mlp(d, 10, "Softmax", dim=-1),
            lambda d, y, f: d.add("NLLLoss", y, f["label"], name="nll"),
            "row",
            "label",
        ),
        (
            "NLLLoss takes logarithms of probabilities, but 'softmax_at_end' of 'main' gives "
            "the probabilities."
        ),
        "Use LogSoftmax in its place.",
        fix="Make a LogSoftmax of 'softmax_at_end'",
        severity="warning",
    ),
    Mistake(
        "Sigmoid before BCEWithLogitsLoss",
        step(
            lambda d: mlp(d, 1, "Sigmoid"),
            lambda d, y, f: d.add("BCEWithLogitsLoss", y, f["column"], name="bce"),
            "row",
            "column",
        ),
        (
            "BCEWithLogitsLoss takes sigmoid itself, but 'sigmoid_at_end' of 'main' has done "
            "it already: no probability can leave 0.5 to 0.73."
        ),
        "Let the network end before the sigmoid. Take it when you use the network.",
        fix="Remove 'sigmoid_at_end'",
        severity="warning",
    ),
    Mistake(
        "Softmax before BCEWithLogitsLoss",
        step(
            lambda d: mlp(d, 3, "Softmax", dim=-1),
            lambda d, y, f: d.add(
                "BCEWithLogitsLoss",
                y,
                d.add("torch.narrow", f["row"], dim=1, start=0, length=3),
                name="bce",
            ),
            "row",
        ),
        (
            "BCEWithLogitsLoss takes a score for each label on its own, but 'softmax_at_end' "
            "of 'main' makes them compete."
        ),
        "Remove it; for one class out of several use CrossEntropyLoss.",
        fix="Remove 'softmax_at_end'",
        severity="warning",
    ),
    Mistake(
        "BCELoss without Sigmoid",
        step(
            lambda d: mlp(d, 1),
            lambda d, y, f: d.add("BCELoss", y, f["column"], name="bce"),
            "row",
            "column",
        ),
        "BCELoss takes probabilities between 0 and 1, but 'head' of 'main' gives any numbers.",
        "Use BCEWithLogitsLoss, which takes sigmoid itself, or end the network with Sigmoid.",
        fix="Use BCEWithLogitsLoss",
        severity="warning",
    ),
    Mistake(
        "KLDivLoss of probabilities instead of their logarithms",
        step(
            lambda d: mlp(d, 16, "Softmax", dim=-1),
            lambda d, y, f: d.add("KLDivLoss", y, f["row"], name="kl", reduction="batchmean"),
            "row",
        ),
        (
            "KLDivLoss takes logarithms of probabilities, but 'softmax_at_end' of 'main' "
            "gives the probabilities."
        ),
        "Use LogSoftmax in its place.",
        fix="Make a LogSoftmax of 'softmax_at_end'",
        severity="warning",
    ),
    Mistake(
        "ReLU behind the last layer of a regression",
        step(
            lambda d: mlp(d, 1, "ReLU"),
            lambda d, y, f: d.add("MSELoss", y, f["column"], name="mse"),
            "row",
            "column",
        ),
        (
            "'relu_at_end' of 'main' lets the network predict no negative number, and cells "
            "that are zero learn nothing."
        ),
        "Let a regression end with a Linear, unless its targets are never negative.",
        fix="Remove 'relu_at_end'",
        severity="info",
    ),
    Mistake(
        "Dropout behind the last layer",
        step(
            lambda d: mlp(d, 1, "Dropout"),
            lambda d, y, f: d.add("MSELoss", y, f["column"], name="mse"),
            "row",
            "column",
        ),
        (
            "'dropout_at_end' of 'main' sets some of the network's answers themselves to zero"
            " before MSELoss sees them."
        ),
        "Put Dropout before the last layer, not behind it.",
        fix="Remove 'dropout_at_end'",
        severity="warning",
    ),
    Mistake(
        "Predictions N×1 with targets N",
        step(
            lambda d: mlp(d, 1),
            lambda d, y, f: d.add("MSELoss", y, f["price"], name="mse"),
            "row",
            "price",
        ),
        (
            "MSELoss compares N×1 with N: they must have the same shape. PyTorch would "
            "compare every sample with every other."
        ),
        "Remove the last dim, or add one to the other.",
        fix="Add a dim to target",
    ),
    Mistake(
        "Class numbers as int64 in BCEWithLogitsLoss",
        step(
            lambda d: mlp(d, 1),
            lambda d, y, f: d.add("BCEWithLogitsLoss", y, f["flag"], name="bce"),
            "row",
            "flag",
        ),
        "BCEWithLogitsLoss takes zeros and ones as float32, gets class numbers.",
        "Convert the target if it has two classes; use CrossEntropyLoss for more.",
        fix="Convert to float32",
    ),
    Mistake(
        "Class numbers as float32 in CrossEntropyLoss",
        step(
            lambda d: mlp(d, 10),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["grade"], name="ce"),
            "row",
            "grade",
        ),
        "CrossEntropyLoss expects class numbers (int64) as target, gets float32.",
        "Convert class numbers to int64. For numbers rather than classes use MSELoss.",
        fix="Convert to int64",
    ),
    Mistake(
        "One-hot rows of integers in CrossEntropyLoss",
        step(
            lambda d: mlp(d, 10),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["one_hot"], name="ce"),
            "row",
            "one_hot",
        ),
        "CrossEntropyLoss gets scores N×10 with a target N×10, expects N.",
        "A row of zeros and a one for each sample: 10 probabilities. Convert them to float32.",
        fix="Convert to float32",
    ),
    Mistake(
        "Class numbers in a column",
        step(
            lambda d: mlp(d, 10),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["labels"], name="ce"),
            "row",
            "labels",
        ),
        "CrossEntropyLoss gets scores N×10 with a target N×1, expects N.",
        "The target of scores N×10 is N.",
        fix="Remove the last dim",
    ),
    Mistake(
        "Fewer outputs than the data have classes",
        step(
            lambda d: mlp(d, 5),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce"),
            "row",
            "label",
        ),
        "The target has 10 classes, but there are scores for 5 only.",
        "Let the network's last layer have 10 output features.",
        fix="Set out_features of head to 10",
    ),
    Mistake(
        "CrossEntropyLoss with one output for yes or no",
        step(
            lambda d: mlp(d, 1),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["answer"], name="ce"),
            "row",
            "answer",
        ),
        "CrossEntropyLoss of N×1, one score, is always 0: nothing is learnt.",
        "For yes or no use BCEWithLogitsLoss, for classes an output feature for each.",
        fix="Use BCEWithLogitsLoss",
        severity="warning",
    ),
    Mistake(
        "Classes of a sequence in the last dim",
        step(
            lambda d: reader(d, out=7),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["tags"], name="ce"),
            "tokens",
            "tags",
        ),
        "CrossEntropyLoss gets scores N×12×7 with a target N×12, expects N×7.",
        "The classes belong in dim 1: put torch.transpose before the loss.",
        fix="Bring the classes to dim 1",
    ),
    Mistake(
        "Numbers compared with class numbers",
        step(
            lambda d: mlp(d, 1),
            lambda d, y, f: d.add("MSELoss", y, f["labels"], name="mse"),
            "row",
            "labels",
        ),
        "MSELoss compares numbers, but the target are class numbers.",
        "Use CrossEntropyLoss for classes.",
        fix="Convert to float32",
    ),
    Mistake(
        "Weights for another number of classes",
        step(
            lambda d: mlp(d, 10),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce", weight=(1.0, 2.0)),
            "row",
            "label",
        ),
        "weight has 2 numbers for 10 classes.",
        "Give one weight for each class, or leave it empty.",
        fix="Leave weight out",
    ),
    Mistake(
        "A loss for each sample instead of one",
        step(
            lambda d: mlp(d, 10),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce", reduction="none"),
            "row",
            "label",
        ),
        "The loss must be a single number, gets N.",
        "Connect a loss with reduction 'mean', or take the mean first.",
        fix="Insert mean",
    ),
    Mistake(
        "A metric for yes or no with scores for several classes",
        step(lambda d: mlp(d, 10), measured, "row", "label"),
        "Accuracy compares N×10 with N: they must have the same shape.",
        "For scores of 10 classes set task to 'multiclass'.",
        fix="Set task to multiclass",
    ),
    Mistake(
        "Accuracy of several classes with one score",
        step(lambda d: mlp(d, 1), measured_one, "row", "column", "flag"),
        "Accuracy of 'multiclass' needs two classes or more, there is 1.",
        "Use task 'binary' for a single score, or a Linear with more outputs.",
        fix="Set task to binary",
    ),
    Mistake(
        "top_k of more classes than there are",
        step(lambda d: mlp(d, 10), measured_top, "row", "label"),
        "top_k 20 is more than the 10 classes.",
        "Use at most 9.",
        fix="Set top_k to 9",
    ),
)
