"""Sequences and attention."""

from __future__ import annotations

from tests.mistakes.base import Mistake, network, step
from tests.mistakes.drawings import attention, lone_state, reader, wrong_state

TITLE = "Sequences and attention"

MISTAKES = (
    Mistake(
        "batch_first forgotten",
        network(lambda d: d.add("LSTM", d.input(20, 8), name="lstm", hidden_size=32)),
        "LSTM takes dim 0 of N×20×8, the batch, for time.",
        "Set batch_first to True: its inputs are then N×T×features.",
        fix="Set batch_first to True",
        severity="warning",
    ),
    Mistake(
        "batch_first forgotten in attention",
        network(
            lambda d: (lambda x: d.add("MultiheadAttention", x, x, x, name="attend", num_heads=2))(
                d.input(20, 8)
            )
        ),
        "MultiheadAttention takes dim 0 of N×20×8, the batch, for time.",
        "Set batch_first to True: its inputs are then N×T×features.",
        fix="Set batch_first to True",
        severity="warning",
    ),
    Mistake(
        "A row of numbers in a recurrent layer",
        network(
            lambda d: d.add("LSTM", d.input(64), name="lstm", hidden_size=32, batch_first=True)
        ),
        "LSTM expects N×T×features, gets N×64 (2 dims).",
        "Put torch.unsqueeze with dim=-1 before it to add the missing dim.",
        fix="Insert a dim at -1",
    ),
    Mistake(
        "Pictures in a recurrent layer",
        network(
            lambda d: d.add("GRU", d.input(1, 8, 8), name="gru", hidden_size=32, batch_first=True)
        ),
        "GRU expects N×T×features, gets N×1×8×8 (4 dims).",
        "Put a Flatten before it.",
        fix="Insert Flatten",
    ),
    Mistake(
        "All steps of an LSTM in a classifier",
        step(
            lambda d: reader(d, out=10),
            lambda d, y, f: d.add("CrossEntropyLoss", y, f["label"], name="ce"),
            "tokens",
            "label",
        ),
        "CrossEntropyLoss gets scores N×12×10 with a target N, expects N×10.",
        "'lstm' gives its state after every step: take the last one by torch.select.",
        fix="Take the last step of 'lstm'",
    ),
    Mistake(
        "The last state with its dim of layers in a Linear",
        network(
            lambda d: d.add(
                "Linear",
                (
                    d.add("LSTM", d.input(20, 8), name="lstm", hidden_size=32, batch_first=True),
                    "h_n",
                ),
                name="head",
                out_features=10,
            )
        ),
        "The state of 'lstm' is 1×N×32: its first dim are layers and directions, not the batch.",
        "Take the last layer with torch.select, dim 0, index -1.",
        fix="Take the last layer",
        severity="warning",
    ),
    Mistake(
        "The last step of an LSTM that reads both ways",
        network(
            lambda d: d.add(
                "torch.select",
                d.add(
                    "LSTM",
                    d.input(20, 8),
                    name="lstm",
                    hidden_size=32,
                    batch_first=True,
                    bidirectional=True,
                ),
                name="last",
                dim=1,
                index=-1,
            )
        ),
        (
            "At its last step 'lstm' has read backwards one step only: half of what 'last' "
            "takes knows nothing of the rest."
        ),
        "Take the mean of all steps, or join the last states of both directions from h_n.",
        fix="Take the mean of all steps",
        severity="warning",
    ),
    Mistake(
        "A Linear that forgets that both directions double the features",
        network(
            lambda d: d.add(
                "Linear",
                d.add(
                    "torch.mean",
                    d.add(
                        "LSTM",
                        d.input(20, 8),
                        name="lstm",
                        hidden_size=32,
                        batch_first=True,
                        bidirectional=True,
                    ),
                    dim=1,
                ),
                name="head",
                in_features=32,
                out_features=10,
            )
        ),
        "Linear expects 32 features, gets 64.",
        "Leave in_features empty to take it from the input, or change what comes in.",
        fix="Take in_features from the input",
    ),
    Mistake(
        "A first state of the wrong size",
        network(wrong_state),
        "GRU expects h_0 as 2×N×32, gets 1×N×32.",
        "Its dims are layers (twice as many if bidirectional), batch, state size.",
        why="which of the two is right nobody can tell",
        remedy="layers (twice as many if bidirectional)",
    ),
    Mistake(
        "A first state without its cell state",
        network(lone_state),
        "LSTM gets h_0 without c_0.",
        "Connect both, or neither to begin with zeros.",
        fix="Begin with zeros: remove h_0",
    ),
    Mistake(
        "dropout in a recurrent layer of one layer",
        network(
            lambda d: d.add(
                "GRU", d.input(20, 8), name="gru", hidden_size=32, dropout=0.5, batch_first=True
            )
        ),
        "dropout acts between the layers of GRU, and there is one layer only.",
        "Set dropout to 0, or num_layers to 2 or more.",
        fix="Set dropout to 0.0",
        severity="warning",
    ),
    Mistake(
        "proj_size as large as the state",
        network(
            lambda d: d.add(
                "LSTM", d.input(20, 8), name="lstm", hidden_size=32, proj_size=32, batch_first=True
            )
        ),
        "proj_size 32 must be less than hidden_size 32.",
        "Set proj_size to 0 for no projection.",
        fix="Set proj_size to 0",
    ),
    Mistake(
        "Embedded words straight in a Conv1d",
        network(
            lambda d: d.add(
                "Conv1d",
                d.add(
                    "Embedding", d.input(20, dtype="int64", high=50), name="embed", embedding_dim=8
                ),
                name="conv",
                out_channels=16,
                kernel_size=3,
            )
        ),
        "Conv1d takes dim 1 of N×20×8 for channels, but 'embed' puts its features last.",
        "Put torch.transpose with dims 1 and 2 before it, and another behind it.",
        fix="Exchange dims 1 and 2",
        severity="warning",
    ),
    Mistake(
        "Sequences of any length in a Conv1d, features last",
        network(
            lambda d: d.add(
                "Conv1d",
                d.add(
                    "Embedding", d.input("T", dtype="int64", high=50), name="embed", embedding_dim=8
                ),
                name="conv",
                out_channels=16,
                kernel_size=3,
            )
        ),
        "in_channels can't be told from what comes in.",
        "N×T×8 has its features last: exchange dims 1 and 2 before it.",
        fix="Exchange dims 1 and 2",
    ),
    Mistake(
        "The states of an LSTM straight in a BatchNorm1d",
        network(
            lambda d: d.add(
                "BatchNorm1d",
                d.add("LSTM", d.input(20, 8), name="lstm", hidden_size=32, batch_first=True),
                name="norm",
            )
        ),
        "BatchNorm1d takes dim 1 of N×20×32 for channels, but 'lstm' puts its features last.",
        "Put torch.transpose with dims 1 and 2 before it, and another behind it.",
        fix="Exchange dims 1 and 2",
        severity="warning",
    ),
    Mistake(
        "embed_dim that the heads do not divide",
        network(
            lambda d: (
                lambda x: d.add(
                    "MultiheadAttention", x, x, x, name="attend", num_heads=4, batch_first=True
                )
            )(d.input(20, 10))
        ),
        "embed_dim 10 can't be split into 4 heads.",
        "Choose a num_heads that divides embed_dim without a rest.",
        fix="Set num_heads to 5",
    ),
    Mistake(
        "An attention mask of another size",
        network(
            lambda d: attention(
                d, "attn_mask", d.input(4, 4, name="mask", dtype="bool", batched=False)
            )
        ),
        "attn_mask is 4×4, but 6×6 is needed.",
        "Its last dim are the elements of key.",
        why="the mask comes from outside and is made where it comes from",
        remedy="elements of key",
    ),
    Mistake(
        "Keys and values of different lengths",
        network(
            lambda d: d.add(
                "MultiheadAttention",
                d.input(6, 8, name="q"),
                d.input(6, 8, name="k"),
                d.input(5, 8, name="v"),
                name="attend",
                num_heads=2,
                batch_first=True,
            )
        ),
        "key has 6 elements and value 5.",
        "They come in pairs: connect the same sequence to both.",
        why="which of the sequences is meant nobody can tell",
        remedy="connect the same sequence to both",
    ),
    Mistake(
        "A position code of another width than the words",
        network(
            lambda d: d.add(
                "torch.add",
                d.input(12, 64, name="words"),
                d.input(12, 32, name="places"),
                name="sum",
            )
        ),
        "add can't combine N×12×64 with N×12×32: dim -1 is 64 and 32.",
        "Bring both to the same shape; a size of 1 fits any other.",
        fix="Project 'input'",
    ),
)
