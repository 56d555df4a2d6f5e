"""`densimeter tour` walks through the subject on the ring and writes one page."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from densimeter.cli.display import progress_bar
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.foundations.files import check_writable, written_whole


def tour(
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="Where to write the page.")] = Path(
        "tour.html"
    ),
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every figure as JSON, too.")
    ] = None,
    radius: Annotated[float, typer.Option(help="Of the ring, in standard deviations of a component.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Of every draw and every fit.")] = 0,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Walk through density models on a ring of Gaussians: one page, every figure computed live."""
    with failures_as_exit_codes(debug):
        for file in (out, json_file):
            if file is not None:
                check_writable(file)
        with progress_bar(quiet) as progress:
            from densimeter.tour.guide import guided_tour

            result = guided_tour(radius, seed, progress)
        with written_whole(out) as draft:
            draft.write_text(result.to_html(), encoding="utf-8")
        if json_file is not None:
            with written_whole(json_file) as draft:
                draft.write_text(
                    json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8"
                )
        if not quiet:
            typer.echo(f"{len(result.parts)} parts in {result.seconds:.0f} s: {out}")
        if open_:
            webbrowser.open(out.resolve().as_uri())
