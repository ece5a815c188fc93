"""Rate curves drawn by matplotlib: SVG and PNG of the same bytes for the same records."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal

from limner.bench.report.bootstrap import WORDS
from limner.bench.report.curves import Curve, curves
from limner.bench.report.looks import Look, looks
from limner.bench.report.scales import scale_of
from limner.bench.report.series import Group
from limner.extras import need

SIZE_INCHES = (9.0, 4.8)
PNG_DPI = 144
# Neither the time nor the version of the program, nor random names: the same records, the same bytes.
SETTINGS = {"svg.hashsalt": "limner", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
METADATA: dict[str, dict[str, None]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def plots(group: Group, kind: Literal["svg", "png"]) -> dict[str, bytes]:
    """Metric -> a file of its rate curves, for every metric that has a point."""
    found = {metric: curves(group, metric) for metric in group.metrics}
    styles = looks([family.label for family in group.families])
    return {metric: _file(group, some, styles, kind) for metric, some in found.items() if any(one.points for one in some)}


def _file(group: Group, some: Sequence[Curve], styles: dict[str, Look], kind: Literal["svg", "png"]) -> bytes:
    matplotlib = need("matplotlib", extra="bench")
    # Not pyplot, which keeps figures and wants a screen.
    figures = need("matplotlib.figure", extra="bench")
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **SETTINGS, "backend": "agg"}):
        figure = figures.Figure(SIZE_INCHES, layout="constrained")
        _draw(figure.subplots(), group, some, styles)
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, dpi=PNG_DPI, metadata=METADATA[kind])
    return stream.getvalue()


def _draw(axes: Any, group: Group, some: Sequence[Curve], styles: dict[str, Look]) -> None:
    ticker = need("matplotlib.ticker", extra="bench")
    for curve in some:
        if not curve.points:
            continue
        label = curve.family.label
        style = styles[label]
        rates = [point.bpp for point in curve.points]
        bands = [point.figure for point in curve.points if point.figure is not None]
        line = {"color": style.colour, "linestyle": _linestyle(style.dash), "linewidth": 1.6}
        axes.plot(rates, [band.mean for band in bands], marker=style.marker, markersize=4, label=label, **line)
        if all(band.low is not None for band in bands):
            lows, highs = [band.low for band in bands], [band.high for band in bands]
            axes.fill_between(rates, lows, highs, color=style.colour, alpha=min(0.14, 0.6 / len(some)), linewidth=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_xlabel(f"bits a pixel, mean of whole files; {WORDS}", fontsize=8)
    axes.set_ylabel(scale_of(some[0].metric).heading)
    axes.set_title(f"{group.title}: {len(group.pictures)} pictures", loc="left")
    axes.grid(True, which="major", color="#d8d3c8", linewidth=0.6)
    axes.figure.legend(loc="outside right upper", frameon=False, fontsize=8)


def _linestyle(dash: str) -> str | tuple[int, tuple[float, ...]]:
    return (0, tuple(float(length) / 1.6 for length in dash.split())) if dash else "solid"
