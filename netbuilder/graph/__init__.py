"""The document: plain values, changes, history, rules. No torch, no Qt."""
