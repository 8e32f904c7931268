"""A machine whose memory is at its end, for real: in a process with a limit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import json, resource, sys
from pathlib import Path
import torch
from tests.training.standins import plan, run

def spoil(number, loss):
    if number == 3:
        # 64 GB: more than the limit, so that the allocator of the CPU refuses.
        torch.empty(16 * 2**30)
    return loss

made = plan(batch_size=7, epochs=1, checkpoint_steps=1, spoil=spoil)
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**30, now + 2**30))
result = run(made, Path(sys.argv[1]))
print(json.dumps([result.status, result.steps, result.error["message"], result.error["fixes"]]))
again = run(plan(batch_size=7, epochs=1), Path(sys.argv[1]), resume=True)
print(json.dumps(again.status))
"""


@pytest.mark.nightly
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
def test_it_is_told_and_the_process_lives_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "r")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = map(json.loads, done.stdout.splitlines())
    assert first[:3] == ["failed", 3, "Out of memory, with batches of 7 samples and 83 weights."]
    assert first[3][0]["title"] == "Halve the batch and accumulate 2"
    assert second == "finished"
