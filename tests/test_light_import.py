"""What must stay light stays light: read from fresh interpreters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from limner.container.blob import Blob, Layer, pack

HEAVY = {"torch", "onnxruntime", "onnx", "constriction", "PIL", "scipy", "skimage", "matplotlib", "typer", "rich"}
HEAVIEST = {"torch", "lightning", "onnx", "scipy", "skimage", "matplotlib"}


def loaded_by(code: str, among: set[str]) -> set[str]:
    """Run code in a fresh interpreter and say which of the packages it has imported."""
    ending = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1])) & among


def test_import_limner_is_light() -> None:
    assert loaded_by("import limner", HEAVY | {"numpy", "asyncio"}) == set()


def test_the_check_can_fail() -> None:
    assert loaded_by("import limner, PIL.Image, rich", HEAVY) == {"PIL", "rich"}


def test_inspect_needs_no_network_code() -> None:
    blob = pack(Blob(1, b"\0\0", 8, 8, (Layer(1, b"body"),)))
    code = f"import limner\nlimner.inspect(bytes.fromhex('{blob.hex()}'))"
    assert loaded_by(code, HEAVIEST | {"onnxruntime"}) == set()


def test_miniature_needs_no_torch(photo_file: Path) -> None:
    code = f"import limner\nlimner.decode(limner.encode({str(photo_file)!r}, target_bytes=300))"
    assert loaded_by(code, HEAVIEST) == set()


def test_help_is_light() -> None:
    code = "from limner.cli import main\nmain(['--help'])\nmain(['encode', '--help'])"
    assert loaded_by(code, HEAVY - {"typer"} | {"numpy", "multiprocessing"}) == set()
