"""``limner inspect``: every byte of a file and its owner."""

from __future__ import annotations

import json as standard_json
from dataclasses import dataclass

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.decode import FILES
from limner.cli.plan import Job, read_only_jobs
from limner.cli.streams import read_blob
from limner.cli.talk import carry_out


@dataclass(frozen=True)
class Inspect:
    """Hold the settings of a batch; calling it does one job."""

    max_pixels: int

    def __call__(self, job: Job) -> Outcome:
        from limner import api

        report = api.inspect(read_blob(job.source), max_pixels=self.max_pixels)
        facts = standard_json.loads(report.to_json())
        return Outcome(job.source, None, "done", "", page=f"{job.source}: {report}", facts=facts)


def inspect(
    inputs: options.Inputs,
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    recursive: options.Recursive = False,
    json: options.Json = False,
) -> None:
    """Print every byte of each file and its owner. Needs no weights."""
    carry_out(Inspect(max_pixels), read_only_jobs(inputs, FILES, recursive=recursive), json_lines=json)
