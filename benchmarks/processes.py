"""Two processes on this machine: our exchange of gradients beside torch's DistributedDataParallel.

    python benchmarks/processes.py

Both train the same multilayer perceptron on gloo with the same AdamW, each process half of every
batch. Rounds alternate in the same processes; the figure is the median of the ratios of
neighbouring rounds (above 1: ours is faster). Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.training.parallel import distributed
from netbuilder.training.parallel.exchange import Exchange, SharedHostGuard

ROUNDS, STEPS, BATCH = 5, 30, 64


def network(width: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def _steps(call: nn.Module, parameters: list[nn.Parameter], exchange: Exchange | None) -> float:
    optimizer = torch.optim.AdamW(parameters, fused=True)
    x, y = torch.randn(BATCH, 64), torch.randint(10, (BATCH,))
    start = 0.0
    for step in range(STEPS + 5):
        if step == 5:
            start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(call(x), y)
        loss = loss if exchange is None else loss * 0.5
        loss.backward()  # type: ignore[no-untyped-call]
        if exchange is not None:
            exchange()
        optimizer.step()
    return (time.perf_counter() - start) / STEPS


def member() -> None:
    torch.set_num_threads(1)
    with distributed.joined() as group:
        found = {}
        for width in (64, 512):
            ours, theirs = [], []
            for _ in range(ROUNDS):
                plain = network(width)
                guard = SharedHostGuard(plain, torch.device("cpu"))
                own = list(plain.parameters())
                ours.append(_steps(plain, own, Exchange(group, plain, own, guard, sharded=False)))
                wrapped = nn.parallel.DistributedDataParallel(network(width))
                theirs.append(_steps(wrapped, list(wrapped.parameters()), None))
            ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
            found[str(width)] = {
                "ours_ms": round(statistics.median(ours) * 1000, 2),
                "ddp_ms": round(statistics.median(theirs) * 1000, 2),
                "ratio": round(ratio, 2),
            }
        if group.first:
            print(json.dumps({"benchmark": "processes", "by_width": found}), flush=True)
    os._exit(0)


def main() -> int:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", str(Path(__file__).resolve())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    if distributed.place() is None:
        sys.exit(main())
    member()
