"""Blank panels in the house's style, and their way into a page: SVG that follows the page's colours."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, ACCENT, SECOND, THIRD, QUIET, FAINT = "#1b3a4b", "#c8553d", "#2a7f9e", "#6a994e", "#8d99a6", "#dfe4e8"
"""Colours by their use: lines and text, the thing to look at, further things, the background, the grid."""

_VARIABLES = {
    INK: "--ink",
    ACCENT: "--accent",
    SECOND: "--second",
    THIRD: "--third",
    QUIET: "--quiet",
    FAINT: "--faint",
}
_PIXELS_PER_INCH = 96
_SVG_TAG = (
    r'<svg viewBox="\1" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    r'aria-hidden="true">'
)
"""Without width and height, so that the page decides; hidden from screen readers, which get the words."""


@dataclass(frozen=True)
class Picture:
    """A picture that stands in a page: its SVG, and the words for those who cannot see it."""

    svg: str
    alternative: str


def panels(
    n_columns: int = 1, n_rows: int = 1, *, width: float = 8.4, height: float = 3.4
) -> tuple[Figure, np.ndarray]:
    """A figure of `width` x `height` inches with a grid of plain panels, flattened row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for panel in axes:
        tidy(panel)
    return figure, axes


def panels_above_one(
    n_columns: int, *, width: float = 9.2, height: float = 4.6
) -> tuple[Figure, np.ndarray, Axes]:
    """A figure with a row of small panels, and one wide panel below them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.add_gridspec(2, n_columns)
    small = np.array([figure.add_subplot(grid[0, column]) for column in range(n_columns)], dtype=object)
    wide = figure.add_subplot(grid[1, :])
    for panel in (*small, wide):
        tidy(panel)
    return figure, small, wide


def surface_panels(*, width: float = 8.4, height: float = 3.8) -> tuple[Figure, np.ndarray]:
    """A figure with one panel in three dimensions and a plain one beside it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    solid: Any = figure.add_subplot(1, 2, 1, projection="3d")
    flat = figure.add_subplot(1, 2, 2)
    tidy(flat)
    for axis in (solid.xaxis, solid.yaxis, solid.zaxis):
        axis.set_pane_color((1, 1, 1, 0))
        axis.label.set_color(INK)
        axis.set_tick_params(colors=INK, labelsize=7)
    return figure, np.array([solid, flat], dtype=object)


def tidy(axes: Axes) -> None:
    """Only the axes that carry meaning, in the house's colours."""
    axes.patch.set_alpha(0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=8)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.title.set_color(INK)


def label(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Title and axis labels, small and dark."""
    axes.set_title(title, fontsize=9.5, loc="left", color=INK)
    axes.set_xlabel(x, fontsize=8.5, color=INK)
    axes.set_ylabel(y, fontsize=8.5, color=INK)


def legend(axes: Axes, **where: object) -> None:
    """A legend without a frame."""
    drawn = axes.legend(frameon=False, fontsize=8, labelcolor=INK, **where)  # type: ignore[arg-type]
    drawn.set_zorder(10)


def as_picture(figure: Figure, alternative: str, name: str) -> Picture:
    """The figure as SVG for one page: scalable, its colours the page's own, its ids its own.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alternative : str
        What the picture shows, for those who cannot see it.
    name : str
        Unique in the page; ids inside the SVG begin with it.
    """
    import matplotlib

    raw = io.StringIO()
    figure.patch.set_alpha(0)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(raw, format="svg", metadata={"Date": None, "Creator": None}, dpi=2 * _PIXELS_PER_INCH)
    svg = raw.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', lambda match: f"{match[1]}{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = re.sub(re.escape(colour), f"var({variable})", svg, flags=re.IGNORECASE)
    svg = re.sub(r"font:\s*([^;\"]*?)px [^;\"]*", r"font: \1px var(--sans)", svg)
    return Picture(re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', _SVG_TAG, svg, count=1), alternative)
