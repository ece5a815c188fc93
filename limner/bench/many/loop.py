"""The plain loop: ``python -m limner.bench.many.loop VERB FOLDER OUTPUT FIRST STEP``, every so many files from the first on.

One line for each file that is done, as ``limner encode --json`` has it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from limner import api, image
from limner.atomic import write_atomic
from limner.bench.load import TARGET_BYTES

ENCODE, DECODE = "encode", "decode"


def main(verb: str, folder: str, output: str, first: str, step: str) -> None:
    Path(output).mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(folder).iterdir())[int(first) :: int(step)]:
        done(verb, path, Path(output))
        print(path.name, flush=True)


def done(verb: str, path: Path, output: Path) -> None:
    if verb == ENCODE:
        write_atomic(output / f"{path.stem}.limn", api.encode(path, target_bytes=TARGET_BYTES))
    else:
        write_atomic(output / f"{path.stem}.png", image.to_file(api.decode(path.read_bytes())))


if __name__ == "__main__":
    main(*sys.argv[1:])
