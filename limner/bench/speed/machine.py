"""What it was measured on: never a machine's name, a person's or a path."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from pathlib import Path

from limner.bench.harness.system import installed
from limner.bench.speed.processor import load, usable

SYSTEM = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")
PACKAGES = ("limner", "numpy", "onnxruntime", "constriction", "pillow")


def described() -> dict[str, str]:
    """What is known of the machine, name -> text; what it does not tell is left out."""
    release = re.match(r"\d+(\.\d+)*", platform.release())
    found = {
        "processor": cpu_model(),
        "cores": f"{len(usable())} of {os.cpu_count()}",
        "quota": quota(),
        "threads of a core": {"0": "one each", "1": "several"}.get(_text(SYSTEM / "smt" / "active"), ""),
        "governor": ", ".join(governors()),
        "memory": memory(),
        "system": f"{platform.system()} {release[0] if release else ''} {platform.machine()}".replace("  ", " "),
        "Python": platform.python_version(),
    }
    return {name: value for name, value in found.items() if value}


def versions() -> dict[str, str]:
    """Of the packages that it depends on."""
    return installed(*PACKAGES)


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def governors(folder: Path = SYSTEM) -> list[str]:
    """What chooses the frequency of the cores; nothing where the system does not tell."""
    return sorted({name for path in folder.glob("cpu[0-9]*/cpufreq/scaling_governor") if (name := _text(path))})


def quota(path: Path = QUOTA) -> str:
    """How much of the cores a container may use; "" for all, or where the system does not tell."""
    share, _, period = _text(path).partition(" ")
    return f"{int(share) / int(period):.2f} cores" if share.isdecimal() and period.isdecimal() else ""


def memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB"
    except (OSError, ValueError, AttributeError):
        return ""


def machine_words() -> str:
    """Say in one line on what it is measured, and how busy that is."""
    busy = load() or 0.0
    words = f"{cpu_model()}, {len(usable())} of {os.cpu_count()} cores, Python {platform.python_version()}; load before the run"
    return f"{words} {busy:.1f}." + (" Other work shared it: read the seconds as upper bounds." if busy > 1.5 else "")


def peak_mb() -> float:
    """The most memory that this process has held, in MB.

    Linux carries ``ru_maxrss`` over from the parent that started a process; VmHWM begins anew.
    """
    for line in _text(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""
