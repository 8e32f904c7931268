"""Networks over a graph whose nodes are the samples."""

from __future__ import annotations

from tests.templates.trials import Trial

TRIALS = {
    "gat": Trial({"epochs": 80}),
    "gcn": Trial({"epochs": 60}, quick=True),
    "gin": Trial({"epochs": 20}),
    "graphsage": Trial({"epochs": 30}),
}
