"""All sections of a comparison as one page that needs nothing but itself."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from densimeter._version import __version__
from densimeter.foundations.progress import Progress, silent
from densimeter.report.blocks import Chart, Section
from densimeter.report.charts.palette import Palette
from densimeter.report.charts.render import as_svg, script
from densimeter.report.comparison.columns import columns
from densimeter.report.comparison.densities import densities
from densimeter.report.comparison.fit import fit
from densimeter.report.comparison.provenance import data, protocol, reproduction
from densimeter.report.comparison.ranking import ranking
from densimeter.report.comparison.settings import settings
from densimeter.report.comparison.single_rows import single_rows
from densimeter.report.comparison.training import training
from densimeter.report.engine import as_json, packaged_text, render, security_policy, stylesheet
from densimeter.report.wording import describe_split, describe_verdict

STEPS = ("densities", "diagnostics", "drawing")
"""What takes its time."""


def comparison_page(comparison: Any, command: str | None = None, progress: Progress = silent) -> str:
    """A comparison as one self-contained page of HTML.

    Its charts are pictures where no script runs; where it runs, they tell their values under the pointer, and
    models can be switched off. The page's security policy forbids every request and every other script.

    Parameters
    ----------
    comparison : object
        With the attributes of `densimeter.Comparison`.
    command : str, optional
        What was typed to get it; by default the call in Python is shown.
    progress : Progress
        Told how far the work is, about twenty seconds for thousands of rows of five columns.
    """
    palette = Palette.of([model.name for model in comparison.models])
    sections = _sections(comparison, palette, command, progress)
    progress(2, len(STEPS), f"report: {STEPS[2]}")
    own = script()
    return render(
        "comparison.html",
        title=f"Density models of {comparison.data.source}",
        verdict=describe_verdict(comparison),
        lead=describe_split(comparison.data, comparison.confidence),
        sections=sections,
        palette=palette,
        policy=security_policy(own),
        style=stylesheet("style.css", "comparison.css"),
        script=Markup(own),
        svg=_svg,
        json=as_json,
        licences=packaged_text("templates/licences.txt"),
        provenance=f"Made by densimeter {__version__}.",
    )


def _sections(comparison: Any, palette: Palette, command: str | None, progress: Progress) -> list[Section]:
    """Those that have something to tell, in the order they are read."""
    found: list[Section | None] = [ranking(comparison, palette)]
    progress(0, len(STEPS), f"report: {STEPS[0]}")
    found.append(densities(comparison, palette))
    progress(1, len(STEPS), f"report: {STEPS[1]}")
    diagnostics = comparison.diagnose()
    found += [
        fit(comparison, diagnostics, palette),
        columns(diagnostics, palette),
        single_rows(comparison, diagnostics),
        settings(comparison, palette),
        training(comparison, palette),
        data(comparison),
        protocol(comparison),
        reproduction(comparison, command),
    ]
    return [section for section in found if section is not None]


def _svg(chart: Chart) -> Markup:
    return Markup(as_svg(chart.spec, chart.size))
