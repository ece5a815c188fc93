"""``limner verify``: is a file whole, and can it be decoded here?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.plan import Job, read_only_jobs
from limner.cli.streams import read_blob
from limner.cli.talk import carry_out
from limner.suffixes import FILES


@dataclass(frozen=True)
class Verify:
    """Hold the settings of a batch; calling it does one job."""

    weights: Path | None
    max_pixels: int

    def __call__(self, job: Job) -> Outcome:
        from limner import api

        report = api.verify(read_blob(job.source), weights=self.weights, max_pixels=self.max_pixels)
        facts = {"system": report.system, "bytes": report.size_bytes}
        return Outcome(job.source, None, "done", f"{job.source}: whole, {report.size_bytes} bytes", facts=facts)


def verify(
    inputs: options.Inputs,
    weights: options.Weights = None,
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    recursive: options.Recursive = False,
    jobs: options.Jobs = 1,
    json: options.Json = False,
) -> None:
    """Read each file to its last integer, without painting it. The exit code tells."""
    carry_out(Verify(weights, max_pixels), read_only_jobs(inputs, FILES, recursive=recursive), processes=jobs, json_lines=json)
