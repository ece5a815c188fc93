"""What is to be thought of a painted picture's detail, and how its file says so."""

from __future__ import annotations

PREVIEW = "a preview: what was sent, not a picture"
ALONE = "the reference alone: nothing invented"
PLAIN = "nothing invented"
INVENTED = "may be invented"
# System and painter whose pictures show only what was sent; the others paint what they think was there.
INVENTS_NOTHING = frozenset({("miniature", "faithful")})


def detail(system: str, painter: str, stages: int | None = None, *, preview: bool = False) -> str:
    """Say it in words: one of the four above. ``stages``: of sedic, as for ``limner.decode``."""
    if stages == 0:
        return ALONE
    if preview:
        return PREVIEW
    return PLAIN if (system, painter) in INVENTS_NOTHING else INVENTED


def notes(system: str, size_bytes: int, detail: str) -> dict[str, str]:
    """Say in a picture's metadata where it comes from and what is to be thought of its detail."""
    return {
        "Software": "limner",
        "limner:system": system,
        "limner:bytes": str(size_bytes),
        "limner:detail": detail,
    }
