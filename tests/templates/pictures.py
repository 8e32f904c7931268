"""Networks that paint pictures, find what is on them, or make them better."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "conditional_gan": Trial({"epochs": 20}, falls=("classify/loss", "val/generate/distance")),
    "cyclegan": Trial({"epochs": 2}, {"count": 8, "size": 32}, falls=("val/generate/loss",)),
    "dcgan": Trial({"epochs": 4, "batch_size": 8}, {"count": 48}, falls=("val/generate/distance",)),
    "detector_small": Trial({"epochs": 3}, {"count": 200}),
    "progressive_gan": Trial({"epochs": 24}, {"count": 320}, falls=("val/generate_4/distance",)),
    "style_transfer": Trial({"epochs": 14}, {"count": 36}, falls=("copy/loss", "val/stylise/loss")),
    "stylegan_small": Trial({"epochs": 6}, {"count": 160}, falls=("val/generate/distance",)),
    "super_resolution": Trial({"epochs": 2}),
    "unet": Trial({"epochs": 2}, {"count": 200}),
}
