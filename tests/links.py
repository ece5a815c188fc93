"""Links and files to try out."""

from __future__ import annotations

import re

from hypothesis import assume
from hypothesis import strategies as st

from limner.channels import CHANNELS, Channel, Plan, find, plan
from limner.errors import ChannelError

NAMES = st.sampled_from([*CHANNELS, "qr-1-h", "qr-3-q", "qr-33-l", "qr-7-m-bytes"])
LINKS = NAMES.map(find)
FILES = st.integers(1, 20_000)


def plan_of(link: Channel, blob_bytes: int, parity: int = 0) -> Plan:
    """A plan; files that a link does not take are no examples."""
    try:
        return plan(link, blob_bytes, parity=parity)
    except ChannelError as error:
        assert re.search("at most|no packets", str(error))
        assume(False)
        raise
