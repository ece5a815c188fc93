"""What was said of a picture, held against the picture: things that a detector does not find are taken out of the words.

Models name things that are not there. As in SEDIC (Song et al. 2025, section 3), an open-set detector looks for each; what it
does not find is tagged as a hallucination, and what says it is removed: the thing with its detail, and of a text the clauses
that name it. A clause ends at a mark or where a word such as "and" or "with" joins the next. Where all of a text would go,
words such as "on" part it too; where all would go still, the name alone is cut out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limner.describe.scene import Scene, Thing
from limner.describe.things import Detector
from limner.errors import SceneError

Pixels = NDArray[np.uint8]
Span = tuple[int, int]

MARKS, ENDS = ",;:.!?", ".!?"
COORDINATING = "and|or|but"
JOINING = f"{COORDINATING}|while|with|without|where|which|who|that"
PLACING = (
    f"{JOINING}|in|on|at|by|near|next|beside|behind|under|below|over|above|between|among|around|along|across|through|against"
)
ARTICLE = re.compile(r"\b(?:an?|the)\s+$", re.IGNORECASE)

Piece = tuple[str, str, str]
"""Of a text: the word that links it to what is before it, its other words, and the marks behind them; each may be empty."""


@dataclass(frozen=True)
class Checked:
    """scene: what is left, with boxes. hallucinated: names of things that were not found, each once, in their order."""

    scene: Scene
    hallucinated: tuple[str, ...]


def checked(scene: Scene, pixels: Pixels, detector: Detector) -> Checked:
    """Look for the things of a scene in its picture, pixels (h, w, 3) uint8 sRGB, and leave out what is not there.

    A thing that has a box or a mask keeps it and counts as found: somebody has seen it. A name that a thing found has too is no
    hallucination. Text that names nothing missing stays as it is; so does what is within the name of a thing found: where there
    is no dog, a hot dog stays. Raises SceneError for a scene of another size, and whatever the detector raises.
    """
    size_px = pixels.shape[1], pixels.shape[0]
    if scene.size_px not in (None, size_px):
        raise SceneError(f"the scene is of {scene.size_px}, the picture is {size_px}", field="size")
    things = located(scene.things, pixels, detector)
    there = tuple(thing for thing in things if seen(thing))
    known = {thing.name.casefold() for thing in there}
    gone = tuple(dict.fromkeys(thing.name for thing in things if thing.name.casefold() not in known))

    def rid(text: str) -> str:
        return without(text, gone, [thing.name for thing in there])

    kept = tuple(replace(thing, detail=rid(thing.detail)) for thing in there)
    return Checked(replace(scene, caption=rid(scene.caption), overall=rid(scene.overall), things=kept), gone)


def seen(thing: Thing) -> bool:
    return thing.box is not None or thing.mask is not None


def located(things: Sequence[Thing], pixels: Pixels, detector: Detector) -> tuple[Thing, ...]:
    """Things with the boxes that a detector finds; each name is sought once, and none whose things have boxes or masks."""
    names = tuple(dict.fromkeys(thing.name for thing in things if not seen(thing)))
    boxes = dict(zip(names, detector.boxes(pixels, names) if names else [], strict=True))
    return tuple(thing if seen(thing) else replace(thing, box=boxes[thing.name]) for thing in things)


def without(text: str, gone: Iterable[str], there: Iterable[str] = ()) -> str:
    """A text without the clauses that name what is gone, save within names of what is there. Its words keep their order."""
    missing, known = [named(name) for name in gone], [named(name) for name in there]
    if not mentions(text, missing, known):
        return text
    text = " ".join(text.split())
    # What is left may name something anew, where words have met that stood apart.
    while spans := mentions(text, missing, known):
        text = less(text, spans)
    return text


def named(name: str) -> re.Pattern[str]:
    """Finds a name in a text as whole words, one or many of it; the first group of a match is where."""
    *first, last = re.split(r"[\s-]+", " ".join(name.split()).strip(MARKS + " -").lower())
    ends = "|".join(map(re.escape, sorted(forms(last))))
    body = r"[\s-]+".join([*map(re.escape, first), f"(?:{ends})"])
    return re.compile(rf"(?<![\w-])(?=({body})(?![\w-]))" if last else r"(?!)", re.IGNORECASE)


def forms(word: str) -> set[str]:
    """A noun in the singular and the plural, as far as English is regular."""
    stems = {stem for stem in (word[:-1], word[:-2], word[:-3] + "y") if len(stem) > 1 and word in plurals(stem)}
    return {word} | stems | plurals(word)


def plurals(word: str) -> set[str]:
    found = {word + "s"}
    if word.endswith(("s", "x", "z", "ch", "sh")):
        found.add(word + "es")
    if re.search("[^aeiou]y$", word):
        found.add(word[:-1] + "ies")
    return found


def mentions(text: str, missing: Sequence[re.Pattern[str]], known: Sequence[re.Pattern[str]]) -> list[Span]:
    """Where a text names what is missing, save within a name that is known."""
    safe = [match.span(1) for name in known for match in name.finditer(text)]
    spans = [match.span(1) for name in missing for match in name.finditer(text)]
    return [(start, end) for start, end in spans if not any(first <= start and end <= last for first, last in safe)]


def less(text: str, spans: Sequence[Span]) -> str:
    """A text without the pieces that touch spans: the largest pieces that leave something; or without the spans alone."""
    for links in (JOINING, PLACING):
        edges = [0, *(match.end() for match in parting(links).finditer(text)), len(text)]
        pieces = list(pairwise(edges))
        keep = [not any(start < last and first < end for start, end in spans) for first, last in pieces]
        left = joined([piece_of(text[first:last], links) for first, last in pieces], keep)
        if worded(left):
            return left
    return cut(text, spans)


def cut(text: str, spans: Sequence[Span]) -> str:
    """A text without spans, which may overlap, and the articles before them."""
    left, behind = "", 0
    for start, end in sorted(spans):
        left += ARTICLE.sub("", text[behind:start])
        behind = max(behind, end)
    words = " ".join((left + text[behind:]).split())
    pieces = [piece_of(piece, PLACING) for piece in parting(PLACING).split(words)]
    return joined(pieces, [worded(words) for _, words, _ in pieces])


def parting(links: str) -> re.Pattern[str]:
    """Finds the spaces at which a text is parted: behind marks, and before words that link."""
    return re.compile(rf"(?<=[{MARKS}])\s+|\s+(?=(?:{links})\b)", re.IGNORECASE)


def piece_of(text: str, links: str) -> Piece:
    match = re.fullmatch(rf"((?:{links})\b)?\s*(.*?)\s*([{MARKS}]*)\s*", text, re.IGNORECASE | re.DOTALL)
    link, words, mark = match.groups(default="") if match else ("", text, "")
    return link, words, mark


def worded(text: str) -> bool:
    return re.search(r"\w", text) is not None


def joined(pieces: Sequence[Piece], keep: Sequence[bool]) -> str:
    """The pieces that are kept as a text.

    The mark of one left out goes to the piece before, and its link to the next where that needs it: "a plate with salmon and
    rice" is "a plate with rice" without salmon, and "rice" alone where there is no plate either.
    """
    said: list[str] = []
    gap: str | None = None
    for (link, words, mark), kept in zip(pieces, keep, strict=True):
        if gap is not None and (not gap or re.fullmatch(COORDINATING, link, re.IGNORECASE)):
            link = gap
        if kept and (link or words):
            said.append(" ".join(filter(None, (link, words))) + mark)
            gap = None
            continue
        if said:
            said[-1] = ended(said[-1], mark)
        gap = None if mark.endswith(tuple(ENDS)) else link if gap is None else gap
    return " ".join(said).rstrip(",;: ")


def ended(piece: str, mark: str) -> str:
    """A piece with the mark of what stood behind it, if that is the stronger."""
    if piece.endswith(tuple(ENDS)) or (piece.endswith(tuple(MARKS)) and not mark.endswith(tuple(ENDS))):
        return piece
    return piece.rstrip(MARKS) + mark
