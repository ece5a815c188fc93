"""The plain loop: ``python -m limner.bench.scale.loop FOLDER``: a line of JSON for every picture, its file's hash in it."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from limner import api
from limner.bench.load import TARGET_BYTES


def main(folder: str) -> None:
    top = Path(folder)
    for path in sorted(top.rglob("*.jpg")):
        begun_s = time.perf_counter()
        blob = api.encode(path, target_bytes=TARGET_BYTES)
        taken_s = time.perf_counter() - begun_s
        said = {"path": path.relative_to(top).as_posix(), "sha256": hashlib.sha256(blob).hexdigest(), "seconds": taken_s}
        print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
