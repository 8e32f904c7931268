"""Transformers and recurrent networks: on text, on pairs of sequences, on pictures."""

from __future__ import annotations

from tests.templates.trials import Trial

SHORT = {"letters": 60_000}

TRIALS = {
    "bert_base": Trial({"epochs": 1, "steps": 10, "batch_size": 2}, {"count": 40, "length": 24}),
    "bert_small": Trial({"epochs": 2, "batch_size": 32}, {"count": 2000}),
    "gpt2": Trial({"epochs": 1, "steps": 8, "batch_size": 2}, {"letters": 10_000, "length": 16}),
    "gru_sequence": Trial({"epochs": 16, "batch_size": 32}, {"count": 500, "length": 8}),
    "lora": Trial({"epochs": 26}, falls=("pretrain/loss", "adapt/loss")),
    "lstm_text": Trial({"epochs": 1, "steps": 100, "batch_size": 16}, SHORT),
    "moe_transformer": Trial({"epochs": 1, "steps": 60, "batch_size": 8}, SHORT),
    "rnn_text": Trial({"epochs": 1, "steps": 100, "batch_size": 16}, SHORT),
    "seq2seq_attention": Trial({"epochs": 4, "batch_size": 32}, {"count": 500}),
    "swin_t": Trial({"epochs": 1, "steps": 12, "batch_size": 2}, {"count": 40}),
    "transformer_base": Trial({"epochs": 1, "steps": 10, "batch_size": 4}, {"count": 60}),
    "transformer_classifier": Trial({"epochs": 3}, {"pieces": 100, "length": 64}),
    "transformer_small": Trial({"epochs": 2, "batch_size": 32}, {"count": 500}),
    "vit_b_16": Trial({"epochs": 1, "steps": 8, "batch_size": 2}, {"count": 40}),
    "vit_small": Trial({"epochs": 3}),
}
