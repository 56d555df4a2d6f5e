"""What was tried for the settings that unseen rows chose: bandwidths and numbers of components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.lines import curve_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.numerals import fixed, short
from densimeter.report.wording import MOST_VALUES

SCORE = "held-out log-likelihood, nats per row"


def settings(comparison: Any, palette: Palette) -> Section | None:
    """A curve for each model that kept what it tried; None if no model did."""
    charts = [
        _scan(place, model, palette)
        for place, model in enumerate(comparison.models)
        if getattr(model, "scan", None) is not None
    ]
    tables = [
        table for model in comparison.models for table in _long_settings(model, comparison.data.columns)
    ]
    if not charts and not tables:
        return None
    words = (
        "Settings are chosen by rows that are neither fitted nor scored in the end. A curve that still "
        "rises at an edge would say that more should be tried.",
    )
    return Section("settings", "How settings were chosen", words, charts, tables)


def _long_settings(model: Any, columns: Sequence[str]) -> Iterator[Table]:
    """A table of each setting that has too many values to stand in the ranking."""
    for name, values in model.settings.items():
        if isinstance(values, list | tuple) and len(values) > MOST_VALUES:
            of_columns = len(values) == len(columns)
            places = columns if of_columns else [str(place) for place in range(1, len(values) + 1)]
            rows = [[Cell(place), _value(value)] for place, value in zip(places, values, strict=True)]
            heads = ["column" if of_columns else "place", name.replace("_", " ")]
            yield Table(f"{model.name}: {heads[1]} of each {heads[0]}", heads, rows, folded=True)


def _value(value: Any) -> Cell:
    return Cell(short(value), value) if isinstance(value, int | float) else Cell(str(value))


def _scan(place: int, model: Any, palette: Palette) -> Chart:
    scan = model.scan
    best = max(scan.scores)
    words = (
        f"{len(scan.tried)} values of {scan.setting} were tried for {model.name}, from "
        f"{short(scan.tried[0])} to {short(scan.tried[-1])}; {short(scan.chosen)} has the best score of "
        f"held-out rows, {fixed(best)}."
    )
    spec = curve_chart(
        scan.tried,
        scan.scores,
        words,
        scan.setting,
        SCORE,
        marked=scan.chosen,
        colour=f"var(--model-{palette.place(model.name)})",
        log_x=scan.setting == "bandwidth",
    )
    rows = [
        [Cell(short(value), value), Cell(fixed(score, 4), score)]
        for value, score in zip(scan.tried, scan.scores, strict=True)
    ]
    numbers = Table(f"{model.name}: {scan.setting} and held-out score", [scan.setting, SCORE], rows)
    return Chart(f"scan-{place}", f"{model.name}: {scan.setting}", spec, words, numbers, "half", model.name)
