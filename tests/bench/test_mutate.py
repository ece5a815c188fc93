"""Bytes for the fuzzer: deterministic, varied, and with checks that let them through to deep code."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.bench import mutate
from limner.container import Blob, Layer, pack, unpack
from limner.errors import DamagedError


def test_repairing_a_valid_file_changes_nothing_and_mends_a_changed_one() -> None:
    for seed in mutate.seeds():
        assert mutate.repaired(seed) == seed
        changed = seed[:-4] + bytes([seed[-4] ^ 1]) + seed[-3:]
        with pytest.raises(DamagedError):
            unpack(changed)
        unpack(mutate.repaired(changed))


def test_a_list_is_repaired_layer_by_layer() -> None:
    listed = pack(Blob(3, b"\x01\x02", 64, 48, (Layer(2, b"\x00a red boat"), Layer(4, b"lines"))))
    at = listed.index(b"red")
    repaired = mutate.repaired(listed[:at] + b"b" + listed[at + 1 :])
    assert unpack(repaired).layers == (Layer(2, b"\x00a bed boat"), Layer(4, b"lines"))


@given(st.binary(max_size=60))
def test_repairing_never_fails_and_keeps_the_length(data: bytes) -> None:
    for start in (b"", b"\xa7\x4c\x5d\x00\x00\x01\x01", b"\x5c\x00\x00\x01\x01"):
        repaired = mutate.repaired(start + data)
        assert len(repaired) == len(start + data)
        assert mutate.repaired(repaired) == repaired


def test_the_same_seed_makes_the_same_blobs() -> None:
    one, other = ([mutate.invented(random.Random(f"{seed}"), mutate.seeds()) for seed in range(200)] for _ in range(2))
    assert one == other
    assert len(set(one)) > 150
