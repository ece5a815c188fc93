"""Any codec that is a pair of commands, under the seal: see `programs` for its file.

    pixels -> picture.png --encode, at one quality or several--> the best file that fits --decode--> picture.png

Both commands run under the same seal, so the encoder leaves nothing behind for the decoder but the file.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from limner.bench.harness import pictures
from limner.bench.harness import seal as sealing
from limner.bench.harness.programs import Programs, read
from limner.bench.harness.record import Cost
from limner.bench.harness.seal import FOLDERS, Command, Seal
from limner.bench.harness.system import (
    Decoding,
    Encoded,
    Setting,
    StageError,
    Subject,
    existing,
    installed,
    output_of,
    with_budget,
)
from limner.bench.harness.words import spoken
from limner.errors import LimnerError

SHIPPED = Path(__file__).resolve().parents[1] / "codecs"
WORDS_FILE = "words.txt"
VERSION_LIMIT_S = 30.0


@dataclass(frozen=True)
class Made:
    """One file, and what it took."""

    quality: str
    blob: bytes
    cost: Cost | None


@dataclass(frozen=True)
class External:
    """Programs as a system. Without budgets, each of its qualities is a setting."""

    programs: Programs
    budgets_bytes: tuple[int, ...] = ()
    _tried: dict[tuple[Subject, str], Made] = field(default_factory=dict, compare=False, repr=False)

    ours = False
    device = "cpu"
    weights_sha256 = None

    @property
    def name(self) -> str:
        return self.programs.name

    @property
    def takes_words(self) -> bool:
        return "words_file" in self.programs.used

    @property
    def way(self) -> str:
        return "beside=size" if self.programs.knows_size else ""

    def settings(self) -> Sequence[Setting]:
        if self.budgets_bytes:
            return [with_budget(budget, self.way) for budget in self.budgets_bytes]
        if not self.programs.qualities:
            return [with_budget(None, self.way)]
        return [Setting(f"quality={one} {self.way}".strip(), quality=one) for one in self.programs.qualities]

    def versions(self) -> dict[str, str]:
        commands = {"encode": shlex.join(self.programs.encode), "decode": shlex.join(self.programs.decode)}
        return {self.name: version_of(self.programs), **commands, **installed("pillow")}

    def encode(self, subject: Subject, setting: Setting, seal: Seal) -> Encoded:
        made = self._best(subject, setting, replace(seal, limit_s=min(seal.limit_s, self.programs.timeout_s)))
        chosen = f"quality={made.quality}" if made.quality else ""
        return Encoded(made.blob, self._decoding(subject), made.cost, chosen=chosen)

    def _best(self, subject: Subject, setting: Setting, seal: Seal) -> Made:
        if setting.quality or not self.programs.qualities:
            return self._made(subject, setting.quality, setting.budget_bytes, seal)
        if setting.budget_bytes is None:
            raise LimnerError(f"{self.name} is given a quality or a budget")
        return self._within(subject, setting.budget_bytes, seal)

    def _within(self, subject: Subject, budget: int, seal: Seal) -> Made:
        """The best quality whose file fits, by bisection: sizes rise along the list, nearly without exception."""
        fits, first, after = None, 0, len(self.programs.qualities)
        while first < after:
            middle = (first + after) // 2
            made = self._made(subject, self.programs.qualities[middle], None, seal)
            if len(made.blob) <= budget:
                fits, first = made, middle + 1
            else:
                after = middle
        if fits is None:
            raise StageError("BudgetError", f"no quality of {self.name} makes {budget} bytes or less")
        return fits

    def _made(self, subject: Subject, quality: str, budget: int | None, seal: Seal) -> Made:
        """Run the encoder, unless it has made this very file before."""
        if "budget" in self.programs.used:
            if budget is None:
                raise LimnerError(f"{self.name} aims at a budget: give it one")
            return self._run(subject, quality, budget, seal)
        asked = (subject, quality)
        if asked not in self._tried:
            if any(known is not subject for known, _ in self._tried):
                self._tried.clear()
            self._tried[asked] = self._run(subject, quality, None, seal)
        return self._tried[asked]

    def _run(self, subject: Subject, quality: str, budget: int | None, seal: Seal) -> Made:
        source, target = f"picture.{self.programs.input}", f"file{self.programs.suffix}"
        files = {source: pictures.to_file(subject.pixels, self.programs.input)}
        if self.takes_words:
            files[WORDS_FILE] = spoken(subject.scene).encode()
        values = self._values(subject, source, target)
        values |= {"quality": quality, "budget": str(budget), "words_file": WORDS_FILE}
        command = command_of(self.programs, self.programs.encode, values)
        ended = sealing.run(command, files, target, seal)
        return Made(quality, output_of(ended, self.programs.encode[0], seal.limit_s), ended.cost)

    def _decoding(self, subject: Subject) -> Decoding:
        source, target = f"file{self.programs.suffix}", f"picture.{self.programs.output}"
        command = command_of(self.programs, self.programs.decode, self._values(subject, source, target))
        return Decoding(command, source, target, self.programs.timeout_s)

    def _values(self, subject: Subject, source: str, target: str) -> dict[str, str]:
        width_px, height_px = subject.size_px
        here = str(self.programs.here)
        return {"input": source, "output": target, "width": str(width_px), "height": str(height_px), "here": here}


def command_of(programs: Programs, words: Sequence[str], values: Mapping[str, str]) -> Command:
    """A command with its placeholders filled, and the files that it names and needs, to be seen under the seal."""
    told = tuple(word.format_map(values) for word in words)
    program = shutil.which(told[0])
    if program is None:
        raise LimnerError(f"{programs.name}: the program {told[0]} is not installed")
    named = [word for word in told[1:] if Path(word).is_absolute()]
    needed = [programs.here / Path(one).expanduser() for one in programs.needs]
    return Command((program, *told[1:]), existing([program, *named, *needed]))


def missing(programs: Programs) -> list[str]:
    """The programs that are not installed."""
    firsts = dict.fromkeys(words[0].format_map({"here": str(programs.here)}) for words in (programs.encode, programs.decode))
    return [name for name in firsts if shutil.which(name) is None]


@lru_cache(maxsize=64)
def version_of(programs: Programs) -> str:
    """The first line that the version command says; "not told" without one."""
    if not programs.version:
        return "not told"
    command = command_of(programs, programs.version, {"here": str(programs.here)})
    ended = sealing.run(command, {}, "nothing", Seal(FOLDERS, limit_s=VERSION_LIMIT_S))
    lines = [line.strip() for line in f"{ended.stdout}\n{ended.stderr}".splitlines() if line.strip()]
    return lines[0][:200] if lines else "not told"


def shipped() -> dict[str, Programs]:
    """The codecs that come with the package, by name; whether their programs are installed is another matter."""
    found = [read(path) for path in sorted(SHIPPED.glob("*.toml"))]
    return {programs.name: programs for programs in found}
