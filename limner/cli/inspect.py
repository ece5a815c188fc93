"""``limner inspect``: every byte of a file and its owner; of a scene in JSON, what it says."""

from __future__ import annotations

import json as standard_json
from dataclasses import dataclass
from pathlib import Path

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.plan import Job, read_only_jobs
from limner.cli.streams import read_blob
from limner.cli.talk import carry_out
from limner.suffixes import FILES

SCENE = ".json"


@dataclass(frozen=True)
class Inspect:
    """Hold the settings of a batch; calling it does one job."""

    max_pixels: int

    def __call__(self, job: Job) -> Outcome:
        from limner import api

        if Path(job.source).suffix.lower() == SCENE:
            return inspect_scene(job.source)
        report = api.inspect(read_blob(job.source), max_pixels=self.max_pixels)
        facts = standard_json.loads(report.to_json())
        return Outcome(job.source, None, "done", "", page=f"{job.source}: {report}", facts=facts)


def inspect_scene(source: str) -> Outcome:
    """The page of a sidecar."""
    from limner.describe import scene
    from limner.describe.told import told

    found = scene.read(Path(source))
    facts = {"scene": standard_json.loads(scene.to_json(found))}
    return Outcome(source, None, "done", "", page=f"{source}: {told(found)}", facts=facts)


def inspect(
    inputs: options.Inputs,
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    recursive: options.Recursive = False,
    json: options.Json = False,
) -> None:
    """Print every byte of each file and its owner. Needs no weights.

    Of a scene (.json) it prints what is said, and who cut the masks.
    """
    carry_out(Inspect(max_pixels), read_only_jobs(inputs, FILES, recursive=recursive), json_lines=json)
