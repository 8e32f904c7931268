"""Graphs and runs as texts that others show: SVG, Mermaid, TikZ, HTML. Neither Qt nor torch."""
