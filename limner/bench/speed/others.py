"""Systems of the benchmark that show no stages: whole processes of their encoder and their decoder, by the same harness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from limner.bench.harness import seal as sealing
from limner.bench.harness.system import Setting, Subject, System, output_of
from limner.bench.speed.processes import LIMIT_S, OPEN, Bench
from limner.bench.speed.rows import Case, Sample

UNMEASURED = "the encoder is part of its own search, which is no process"

def samples(
    bench: Bench, system: System, setting: Setting, subject: Subject, cases: tuple[Case, Case], turns: Iterable[int]
) -> Iterator[Sample]:
    """Each turn one encoder and one decoder. Raises LimnerError.

    Of encoders that first seek a setting, the cost is that of the process which makes the file with it. What the processor took
    meanwhile would be that of the search too, and is left out.
    """
    encoding, decoding = cases
    for turn in turns:
        encoded, around = bench.around(partial(system.encode, subject, setting, OPEN))
        size = len(encoded.blob)
        if encoded.cost is not None:
            yield Sample(encoding, turn, encoded.cost, {}, {}, None, size, *around[1:])
        elif turn == 0:
            yield Sample(encoding, turn, None, failure=UNMEASURED)
        how = encoded.decoding
        ended, around = bench.around(partial(sealing.run, how.command, {how.source: encoded.blob}, how.target, OPEN))
        output_of(ended, "the decoder", LIMIT_S)
        yield Sample(decoding, turn, ended.cost, {}, {}, around.energy_j, size, *around[1:])
