"""Networks over tables and digits: perceptrons, autoencoders, belief networks, recommenders."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "anomaly_autoencoder": Trial({"epochs": 8}),
    "deep_belief": Trial(
        {"epochs": 34},
        # An energy falls and rises with what it is compared with; the error of a copy tells.
        falls=("val/pretrain1/error", "val/pretrain2/error", "fine_tune/loss"),
    ),
    "denoising_autoencoder": Trial({"epochs": 3}),
    "mlp_tabular": Trial({"epochs": 6}),
    "perceptron": Trial({"epochs": 4}),
    "recommender": Trial({"epochs": 3}),
}
