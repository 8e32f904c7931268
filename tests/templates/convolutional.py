"""Published networks that look at pictures, at the size that they were published for."""

from __future__ import annotations

from tests.templates.trials import Trial

LIGHT = Trial({"epochs": 2, "batch_size": 4}, {"count": 30})
HEAVY = Trial({"epochs": 2, "batch_size": 4}, {"count": 20})

TRIALS = {
    "alexnet": LIGHT,
    "convnext_tiny": HEAVY,
    "densenet121": HEAVY,
    "efficientnet_b0": LIGHT,
    "googlenet": LIGHT,
    "lenet5": Trial({"epochs": 2}),
    "mobilenet_v2": LIGHT,
    "resnet18": LIGHT,
    "resnet18_small": Trial({"epochs": 2}, {"count": 400}),
    "resnet50": HEAVY,
    "resnet152": HEAVY,
    "squeezenet1_1": LIGHT,
    "vgg16": Trial({"epochs": 1, "steps": 8, "batch_size": 2}, {"count": 24}),
}
