"""What is taken from the page: packets, codes, a zip, a command."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from chromium import Browser, by, nameless
from on_page import ESCAPE, IDLE, packets, taken, until

from limner.container.joiner import Joiner


def test_packets_and_codes_are_taken(page: Browser, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(taken(page, "save-packets", tmp_path))) as archive:
        assert archive.testzip() is None
        found = [archive.read(name) for name in archive.namelist()]
    assert len(found) == len(packets(page)) and max(map(len, found)) <= 100
    joiner = Joiner()
    assert [joiner.add(packet).event for packet in found[1:]][-1] == "whole"
    pytest.importorskip("segno")
    by(page, "show-qr").click()
    until(page, "document.getElementById('qr').open && document.querySelector('#qr-codes img').naturalWidth")
    assert nameless(page) == []
    code = taken(page, "save-qr", tmp_path)
    assert code.startswith(b"\x89PNG")
    page.switch_to.active_element.send_keys(ESCAPE)
    assert not by(page, "qr").is_displayed()


def test_a_batch_is_a_zip(page: Browser, photo: Path, tmp_path: Path) -> None:
    by(page, "file").send_keys(f"{photo}\n{photo}")
    until(page, "document.querySelectorAll('#queue li').length === 3")
    # The queue is drawn anew while it is worked on: an element that was found may be gone.
    page.execute_script("document.querySelector('#queue li:nth-child(3) .remove').click()")
    with zipfile.ZipFile(io.BytesIO(taken(page, "all", tmp_path))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["harbour.limn", "harbour-painted.png", "harbour-2.limn", "harbour-2-painted.png"]
        assert archive.read("harbour.limn") == archive.read("harbour-2.limn")
    until(page, f"{IDLE} && document.getElementById('all-said').textContent === 'done'")


def test_the_command_is_copied(page: Browser) -> None:
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    by(page, "copy").click()
    until(page, "document.getElementById('copy').textContent === 'Copied'")
    copied = page.execute_async_script("const done = arguments[0]; navigator.clipboard.readText().then(done, done)")
    assert copied == by(page, "command").text
