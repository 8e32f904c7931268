"""Samples per second of `train` against Lightning's Trainer and Keras on torch, same work.

Each trains the same network on the digits with AdamW in batches of the same size, evaluates the
validation part after every epoch and reports loss and accuracy of both parts; no logs, no
checkpoints, no progress bar. Lightning trains the very module that netbuilder compiled, from a
DataLoader; Keras the same layers. Each at whichever number of threads is faster for it. Needs
`pip install lightning keras` beside netbuilder. Prints one JSON line of ratios: above 1
netbuilder is faster.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor

from benchmarks.plans import by_train, fastest, make_plan
from netbuilder.training.optimisation import optimizers, parts
from netbuilder.training.plan import Plan

EPOCHS = {"digits_mlp": 12, "digits_cnn": 3, "digits_lstm": 3}
AT_LEAST = {"lightning": 1.2, "keras": 2.0}


def by_lightning(plan: Plan) -> float:
    """Samples per second of Lightning's Trainer around the compiled step."""
    import lightning
    from torch.utils.data import DataLoader, TensorDataset

    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    (step,) = plan.steps
    (metric,) = step.metrics

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.step = step.module
            self.seen = torch.nn.ModuleList([step.metrics[metric](), step.metrics[metric]()])

        def _run(self, batch: list[Tensor], part: str) -> Tensor:
            seen: Any = self.seen[part == "val"]
            loss, outputs, _ = self.step(**dict(zip(step.fields, batch, strict=True)))
            seen.update(*outputs[metric])
            self.log(f"{part}/loss", loss, on_epoch=True, on_step=False)
            self.log(f"{part}/{metric}", seen, on_epoch=True, on_step=False)
            return loss  # type: ignore[no-any-return]

        def training_step(self, batch: list[Tensor]) -> Tensor:
            return self._run(batch, "train")

        def validation_step(self, batch: list[Tensor]) -> None:
            self._run(batch, "val")

        def configure_optimizers(self) -> Any:
            groups = parts.groups(plan.networks, step.updates, ())
            return optimizers.make(step.settings.optimizer, groups)[0]

    def loader(part: Any, *, shuffle: bool) -> Any:
        tensors = TensorDataset(*(part[name] for name in step.fields))
        return DataLoader(tensors, plan.settings.batch_size, shuffle=shuffle)

    trainer = lightning.Trainer(
        max_epochs=plan.settings.epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    train = loader(plan.dataset.train, shuffle=True)
    validation = loader(plan.dataset.validation, shuffle=False)
    start = time.perf_counter()
    trainer.fit(Module(), train, validation)
    return _samples(plan) / (time.perf_counter() - start)


def by_keras(template: str, plan: Plan) -> float:
    """Samples per second of Keras's fit on torch with the same layers."""
    import keras
    from keras import layers

    # On torch Keras takes the first device; here that is the CPU.
    made = {
        "digits_mlp": [
            layers.Flatten(),
            layers.Dense(256, "relu"),
            layers.Dense(128, "relu"),
            layers.Dense(10),
        ],
        "digits_cnn": [
            layers.Permute((2, 3, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10),
        ],
        "digits_lstm": [layers.Reshape((8, 8)), layers.LSTM(64), layers.Dense(10)],
    }[template]
    model = keras.Sequential([keras.Input((1, 8, 8)), *made])
    rate = plan.steps[0].settings.optimizer.lr
    model.compile(
        keras.optimizers.AdamW(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    train, validation = plan.dataset.train, plan.dataset.validation
    start = time.perf_counter()
    model.fit(
        train["image"].numpy(),
        train["label"].numpy(),
        batch_size=plan.settings.batch_size,
        epochs=plan.settings.epochs,
        validation_data=(validation["image"].numpy(), validation["label"].numpy()),
        verbose=0,
    )
    return _samples(plan) / (time.perf_counter() - start)


def _samples(plan: Plan) -> int:
    return len(next(iter(plan.dataset.train.values()))) * plan.settings.epochs


def measure(template: str, rounds: int) -> dict[str, float]:
    """The median ratio to each peer."""
    epochs = EPOCHS[template]
    ratios: dict[str, list[float]] = {name: [] for name in AT_LEAST}
    for round_ in range(rounds + 1):
        _, ours = by_train(make_plan(template, epochs=epochs))
        lightning = fastest(lambda: by_lightning(make_plan(template, epochs=epochs)))
        keras = fastest(lambda: by_keras(template, make_plan(template, epochs=epochs)))
        if round_:  # the first warms up
            ratios["lightning"].append(ours / lightning)
            ratios["keras"].append(ours / keras)
    return {name: round(statistics.median(values), 2) for name, values in ratios.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--templates", nargs="*", default=list(EPOCHS))
    arguments = parser.parse_args()
    found = {template: measure(template, arguments.rounds) for template in arguments.templates}
    ok = all(row[name] >= least for row in found.values() for name, least in AT_LEAST.items())
    print(json.dumps({"figure": "peers", "at_least": AT_LEAST, "ok": ok, "ratios": found}))


if __name__ == "__main__":
    main()
