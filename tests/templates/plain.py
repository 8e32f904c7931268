"""Networks with one step that tells classes or numbers, on data that is small."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "autoencoder": Trial({"epochs": 3}),
    "digits_cnn": Trial({"epochs": 2}, quick=True),
    "digits_lstm": Trial({"epochs": 3}),
    "digits_mlp": Trial({"epochs": 3}),
    "lstm_forecast": Trial({"epochs": 2}),
    "mlp_regression": Trial({"epochs": 8}),
}
