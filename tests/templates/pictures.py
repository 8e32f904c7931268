"""Networks that paint pictures, find what is on them, or make them better."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "conditional_gan": Trial({"epochs": 20}, falls=("classify/loss", "val/generate/distance")),
    "cyclegan": Trial(
        {"epochs": 2},
        {"count": 6},
        falls=("val/generate/loss", "val/judge_flowers/loss", "val/judge_temples/loss"),
    ),
    "dcgan": Trial({"epochs": 4, "batch_size": 8}, {"count": 48}, falls=("val/generate/distance",)),
    "unet": Trial({"epochs": 2}, {"count": 200}),
}
