"""Random numbers: noise, samples, layers that are skipped at random."""

from __future__ import annotations
