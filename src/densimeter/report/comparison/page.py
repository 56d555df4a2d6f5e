"""All sections of a comparison as one page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from densimeter._version import __version__
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
from densimeter.report.wording import describe_split, describe_verdict


def comparison_page(comparison: Any, command: str | None = None) -> str:
    """A comparison as one self-contained page of HTML.

    Its charts are pictures where no script runs; where it runs, they tell their values under the pointer, and
    models can be switched off. The page's security policy forbids every request and every other script.

    Parameters
    ----------
    comparison : object
        With the attributes of `densimeter.Comparison`.
    command : str, optional
        What was typed to get it; by default the call in Python is shown.
    """
    palette = Palette.of([model.name for model in comparison.models])
    diagnostics = comparison.diagnose() if hasattr(comparison, "diagnose") else None
    found: Sequence[Section | None] = (
        ranking(comparison, palette),
        densities(comparison, palette),
        fit(comparison, diagnostics, palette) if diagnostics else None,
        columns(diagnostics, palette) if diagnostics else None,
        single_rows(comparison, diagnostics) if diagnostics else None,
        settings(comparison, palette),
        training(comparison, palette),
        data(comparison),
        protocol(comparison),
        reproduction(comparison, command),
    )
    own = script()
    template = _environment().get_template("comparison.html")
    return template.render(
        title=f"Density models of {comparison.data.source}",
        verdict=describe_verdict(comparison),
        lead=describe_split(comparison.data, comparison.confidence),
        sections=[section for section in found if section is not None],
        palette=palette,
        policy=_policy(own),
        style=Markup("\n".join(_text(name) for name in ("style.css", "comparison.css"))),
        script=Markup(own),
        svg=_svg,
        json=_json,
        licences=_text("templates/licences.txt"),
        provenance=f"Made by densimeter {__version__}.",
    )


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("densimeter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )


def _text(name: str) -> str:
    return (resources.files("densimeter.report") / name).read_text(encoding="utf-8")


def _policy(own: str) -> str:
    """Nothing is fetched, and no script runs but the page's own."""
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _svg(chart: Chart) -> Markup:
    return Markup(as_svg(chart.spec, chart.size))


def _json(spec: Any) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(spec, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
