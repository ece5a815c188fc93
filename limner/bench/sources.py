"""The data sets of the field: what they are, where they lie, and what is known of their files. Data only.

``sha256`` of an archive is what TensorFlow Datasets publishes in its url_checksums for clic, div2k and coco2014; for Tecnick
none was found. Hashes of single pictures ship for Kodak alone (``pins/kodak.json``): those of its files are the same that
others publish for r0k.us. For the other sets they are pinned on first use.

Numbers and sizes are those of the sets' papers and pages; of Kodak they were counted. None of these addresses was tried when
this was written, only compared with those that other programs use.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remote:
    """A file to fetch. url: https. size_bytes: 0 if unknown. sha256: "" if none is published. inside: what the paths of an
    archive's pictures have in common. into: the folder of the set that its pictures go to."""

    url: str
    size_bytes: int = 0
    sha256: str = ""
    inside: str = ""
    into: str = ""

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.name.endswith(".zip")


@dataclass(frozen=True)
class Source:
    """A data set. pictures: how many it has. sizes: of the pictures, in words. first: so many by name of those that are there,
    None for all. note: what a reader of results must know."""

    what: str
    page: str
    pictures: int
    sizes: str
    files: tuple[Remote, ...]
    first: int | None = None
    note: str = ""


SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".ppm", ".tif", ".tiff")
"""Of files that are taken for pictures."""

KODAK = "https://r0k.us/graphics/kodak/kodak"
TECNICK = "https://downloads.sourceforge.net/project/testimages/OLD/OLD_SAMPLING/testimages.zip"
ETHZ = "https://data.vision.ee.ethz.ch/cvl"
PROFESSIONAL = Remote(
    f"{ETHZ}/clic/test/CLIC2020Professional_test.zip",
    891643809,
    "857df244fc2bfa5da28d4c66bf0db16ee99bfc79eb807be8afa89cd507852884",
    into="professional",
)
MOBILE = Remote(
    f"{ETHZ}/clic/test/CLIC2020Mobile_test.zip",
    721789976,
    "2025f07a6c652270e534640de4271feef3b3dd3260beed4ac4821064837aa732",
    into="mobile",
)

SOURCES: dict[str, Source] = {
    "kodak": Source(
        "Kodak Lossless True Color Image Suite",
        "https://r0k.us/graphics/kodak/",
        24,
        "768x512 or 512x768",
        tuple(Remote(f"{KODAK}/kodim{number:02}.png") for number in range(1, 25)),
    ),
    "clic2020-test": Source(
        "CLIC 2020, test: professional and mobile",
        "https://www.compression.cc/",
        428,
        "up to 2048 px a side",
        (PROFESSIONAL, MOBILE),
        note="250 professional and 178 mobile pictures; the set that HiFiC and most later papers call CLIC 2020",
    ),
    "clic2020-professional": Source(
        "CLIC 2020, test: professional",
        "https://www.compression.cc/",
        250,
        "up to 2048 px a side",
        (PROFESSIONAL,),
        note="the test pictures, not the 41 professional validation pictures that some papers also call CLIC 2020",
    ),
    "div2k": Source(
        "DIV2K, validation, high resolution",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        100,
        "2040 px on the long side",
        (
            Remote(
                f"{ETHZ}/DIV2K/DIV2K_valid_HR.zip",
                448993893,
                "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
            ),
        ),
    ),
    "coco30k": Source(
        "MS-COCO 2014, 30,000 of the validation pictures",
        "https://cocodataset.org/",
        30_000,
        "up to 640 px a side, JPEG",
        (
            Remote(
                "https://s3.amazonaws.com/images.cocodataset.org/zips/val2014.zip",
                6645013297,
                "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
            ),
        ),
        first=30_000,
        note=(
            "papers draw their own 30,000 of 40,504 and rarely say which: here it is the first 30,000 by file name of those in "
            "the folder; they are JPEG already"
        ),
    ),
    "tecnick": Source(
        "Tecnick TESTIMAGES, SAMPLING, RGB_OR_1200x1200",
        "https://testimages.org/",
        100,
        "1200x1200",
        (Remote(TECNICK, inside="RGB_OR_1200x1200"),),
        note="the older set of 100; newer archives of the same makers hold 40",
    ),
}
