"""What the plan of a large folder holds: names of empty files, planned as ``limner encode -r`` does it, in a fresh process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from limner.bench.fresh import run_python
from limner.errors import LimnerError

EACH = 1000
"""Files in a folder."""
PROGRAM = """
import json, os, sys, time
from limner.bench.running import held_bytes
from limner.cli.encode import PICTURES
from limner.cli.plan import Naming, writing_jobs
before, start = held_bytes(os.getpid()), time.perf_counter()
jobs = writing_jobs(sys.argv[1:], PICTURES, Naming(None, ".limn"), recursive=True)
print(json.dumps([len(jobs), held_bytes(os.getpid()) - before, time.perf_counter() - start]))
"""


@dataclass(frozen=True)
class Planned:
    """``held_bytes``: more than before, once the plan was made; 0 where the system does not tell."""

    names: int
    held_bytes: int
    seconds: float


def planned(number: int) -> Planned:
    """Plan so many files. Raises LimnerError if that fails."""
    with TemporaryDirectory() as folder:
        for first in range(0, number, EACH):
            inner = Path(folder, f"folder-{first // EACH:06}")
            inner.mkdir()
            for name in range(first, min(number, first + EACH)):
                (inner / f"IMG_{name:08}.jpg").touch()
        done = run_python(["-c", PROGRAM, folder], folder=Path(folder))
    if done.returncode:
        raise LimnerError(f"a folder of {number} files cannot be planned: {done.stderr.strip()[-500:]}")
    return Planned(*json.loads(done.stdout))
