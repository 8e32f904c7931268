"""Templates whose steps are more than one, or more than a loss: generators, teachers, pairs."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "ddpm": Trial({"epochs": 3, "batch_size": 64}),
    "distillation": Trial({"epochs": 14}, falls=("teach/loss", "distil/loss")),
    # The losses of a GAN do not fall: each player makes the other's worse.
    "gan_mlp": Trial({"epochs": 24}, falls=("val/generate/distance",), quick=True),
    "gpt_small": Trial({"epochs": 1, "steps": 100, "batch_size": 16}, {"letters": 60_000}),
    "stacked_autoencoder": Trial(
        {"epochs": 24}, falls=("pretrain1/loss", "pretrain2/loss", "fine_tune/loss")
    ),
    "two_tower": Trial({"epochs": 4}),
    "vae": Trial({"epochs": 4}),
    "wgan_gp": Trial({"epochs": 8}, falls=("val/generate/distance",)),
}
