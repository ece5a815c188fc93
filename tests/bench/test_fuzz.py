"""A short run of the fuzzer, the same with Hypothesis, and proof that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.bench import fuzz, mutate


def test_a_few_hundred_blobs_let_only_our_errors_out() -> None:
    tally = fuzz.chunk(0, seed=1, count=120, extra=())
    assert tally.blobs == 120
    assert not tally.escapes, tally.escapes[0]
    # Deep code is reached: some blobs are whole files, some fail behind the check.
    assert tally.outcomes["inspect: done"] > 8
    assert tally.outcomes["inspect: DamagedError"] > 8
    assert tally.outcomes["verify: DamagedError"] > tally.outcomes["inspect: DamagedError"]


@settings(max_examples=60)
@given(st.binary(max_size=80), st.integers(0, 40), st.booleans())
def test_bytes_of_hypothesis_let_only_our_errors_out(data: bytes, kept: int, repair: bool) -> None:
    blob = mutate.seeds()[-1][:kept] + data
    tally = fuzz.run([mutate.repaired(blob) if repair else blob], fuzz.VERBS)
    assert not tally.escapes


def test_the_fuzzer_can_fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def frail(blob: bytes) -> None:
        if blob[:1] == b"\xa7":
            raise KeyError("left out")

    class Panic(BaseException):
        pass

    def panics(blob: bytes) -> None:
        raise Panic("from another language")

    tally = fuzz.run([b"\xa7\x4c", b"harmless"], {"frail": frail})
    assert [(verb, data) for verb, data, _ in tally.escapes] == [("frail", "a74c")]
    assert fuzz.run([b""], {"panics": panics}).outcomes == {"panics: ESCAPED Panic": 1}
    monkeypatch.setattr(fuzz, "VERBS", {"frail": frail})
    assert fuzz.main(["--count", "1"]) == 1
    printed = capsys.readouterr().out
    assert "frail raised on a7" in printed and "KeyError" in printed


def test_a_blob_over_the_time_limit_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(blob: bytes) -> None:
        sum(range(20_000))

    monkeypatch.setattr(fuzz, "VERBS", {"slow": slow})
    assert fuzz.main(["--count", "1", "--limit", "1e-9"]) == 1
    assert "over the limit" in capsys.readouterr().out


def test_files_of_a_folder_are_taken_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "CHUNK", 20)
    (tmp_path / "one.limn").write_bytes(mutate.seeds()[0])
    # The limit of seconds is a benchmark's: a machine of tests may be slow.
    assert fuzz.main(["--count", "20", "--seeds", str(tmp_path), "--limit", "600"]) == 0
    assert f"{20 + len(mutate.heaviest())} blobs, 0 escapes" in capsys.readouterr().out
