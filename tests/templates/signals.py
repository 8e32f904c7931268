"""Networks over sounds and series, and those that learn by comparing."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "audio_cnn": Trial({"epochs": 2}, {"count": 400}),
    "capsnet": Trial({"epochs": 1, "steps": 8, "batch_size": 16}),
    "capsnet_small": Trial({"epochs": 2}),
    "contrastive": Trial({"epochs": 6}, falls=("contrast/loss", "probe/loss")),
    "siamese": Trial({"epochs": 5}),
    "tcn_forecast": Trial({"epochs": 3}, {"count": 800}),
    "transfer": Trial({"epochs": 12}, falls=("pretrain/loss", "transfer/loss")),
    "wavenet_small": Trial({"epochs": 1, "steps": 30}, {"count": 600}),
}
