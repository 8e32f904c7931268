"""Numbers, ids and their dtypes."""

from __future__ import annotations

from tests.mistakes.base import Mistake, network
from tests.mistakes.drawings import attention

TITLE = "Numbers, ids and their dtypes"

MISTAKES = (
    Mistake(
        "float64 data, as NumPy makes them",
        network(
            lambda d: d.add("Linear", d.input(16, dtype="float64"), name="head", out_features=2)
        ),
        "The weights of Linear are float32, float64 comes in.",
        "Set the input's dtype to float32, or convert it.",
        fix="Convert to float32",
    ),
    Mistake(
        "Integers in a Linear",
        network(lambda d: d.add("Linear", d.input(16, dtype="int64"), name="head", out_features=2)),
        "Linear needs floating point numbers, gets int64.",
        "Put an Embedding before it for ids, or convert to float32.",
        fix="Convert to float32",
    ),
    Mistake(
        "Pictures as bytes in a convolution",
        network(
            lambda d: d.add(
                "Conv2d",
                d.input(3, 8, 8, dtype="uint8"),
                name="conv",
                out_channels=8,
                kernel_size=3,
            )
        ),
        "Conv2d needs floating point numbers, gets uint8.",
        "Pictures are bytes from 0 to 255: convert to float32 and divide by 255.",
        fix="Convert to numbers from 0 to 1",
    ),
    Mistake(
        "Complex numbers, as an FFT gives them, in a Linear",
        network(
            lambda d: d.add("Linear", d.input(16, dtype="complex64"), name="head", out_features=2)
        ),
        "Linear can't take complex numbers.",
        "Take their magnitude, or make real and imaginary part a last dim of 2.",
        fix="Take the magnitude",
    ),
    Mistake(
        "Half precision in a layer with float32 weights",
        network(
            lambda d: d.add(
                "Conv1d", d.input(2, 8, dtype="float16"), name="conv", out_channels=2, kernel_size=3
            )
        ),
        "The weights of Conv1d are float32, float16 comes in.",
        "Set the input's dtype to float32, or convert it.",
        fix="Convert to float32",
    ),
    Mistake(
        "Ids that were left at float32",
        network(
            lambda d: d.add(
                "Embedding",
                d.input(12, name="tokens"),
                name="embed",
                num_embeddings=50,
                embedding_dim=8,
            )
        ),
        "Embedding looks rows up by ids (int64), gets float32.",
        "Set the Input's dtype to int64. Numbers that are no ids go into a Linear.",
        fix="Set 'tokens' to int64",
    ),
    Mistake(
        "Numbers that are no ids in an Embedding",
        network(
            lambda d: d.add(
                "Embedding",
                d.add("ReLU", d.input(12)),
                name="embed",
                num_embeddings=50,
                embedding_dim=8,
            )
        ),
        "Embedding looks rows up by ids (int64), gets float32.",
        "Set the Input's dtype to int64. Numbers that are no ids go into a Linear.",
        why="a Linear is meant, or ids: nobody can tell which",
        remedy="go into a Linear",
    ),
    Mistake(
        "More ids than the Embedding has rows",
        network(
            lambda d: d.add(
                "Embedding",
                d.input(12, dtype="int64", high=100, name="tokens"),
                name="embed",
                num_embeddings=50,
                embedding_dim=8,
            )
        ),
        "Ids up to 99 come in, but Embedding has only 50 rows.",
        "Set num_embeddings to 100, or leave it empty.",
        fix="Take num_embeddings from the input",
    ),
    Mistake(
        "padding_idx beyond the last row",
        network(
            lambda d: d.add(
                "Embedding",
                d.input(12, dtype="int64", name="tokens"),
                name="embed",
                num_embeddings=50,
                embedding_dim=8,
                padding_idx=50,
            )
        ),
        "padding_idx is 50, but there are only 50 rows.",
        "Choose padding_idx from 0 to 49, or leave it empty.",
        fix="Leave padding_idx empty",
    ),
    Mistake(
        "An upper bound of ids for an input that holds none",
        network(lambda d: d.add("Flatten", d.input(16, high=50, name="ids"), name="flat")),
        "'high' counts ids, but the dtype is float32.",
        "Set dtype to int64, or leave 'high' empty.",
        fix="Set dtype to int64",
    ),
    Mistake(
        "A product of integers with weights",
        network(
            lambda d: d.add(
                "torch.matmul",
                d.input(6, 4, dtype="int64", name="a"),
                d.input(4, 6, name="b"),
                name="product",
            )
        ),
        "matmul needs one dtype, gets int64 and float32.",
        "Convert one of them.",
        fix="Convert to float32",
    ),
    Mistake(
        "An attention mask of numbers instead of truth values",
        network(lambda d: attention(d, "key_padding_mask", d.input(6, dtype="int64", name="mask"))),
        "key_padding_mask must be bool (true for what is left out), gets int64.",
        "Set the Input's dtype to bool.",
        fix="Convert to bool",
    ),
)
