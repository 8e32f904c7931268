"""Graph networks: layers of torch_geometric."""

from __future__ import annotations
