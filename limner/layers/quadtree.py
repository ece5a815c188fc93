"""Which channels of the latent are coded where, in four steps.

Every 2x2 cell of positions has four phases p = 2 * (row mod 2) + (column mod 2); the channels form four equal groups. Step k
codes at phase p the group ``k XOR p``: each step codes a quarter of the channels everywhere, and every position and group
has neighbours of earlier steps to be predicted from. Pure arithmetic, so that NumPy, torch and plain integers share it.

Source: Li et al. 2023 (DCVC-DC), section 3.3.
"""

from typing import Any

LATENT_CHANNELS = 64
HYPER_CHANNELS = 32
QUALITIES = 64
STEPS = 4


def group_of(step: int, row: Any, column: Any) -> Any:
    """Group (0..3) that ``step`` codes at (row, column); integers or integer arrays alike."""
    return step ^ (2 * (row & 1) + (column & 1))
