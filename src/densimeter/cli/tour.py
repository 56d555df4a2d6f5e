"""`densimeter tour` walks through the subject on the ring and writes one page."""

from __future__ import annotations

import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from densimeter.cli.display import progress_bar
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.cli.interrupts import interruptible
from densimeter.cli.outputs import as_json, check_outputs
from densimeter.foundations.files import written_whole


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
    with failures_as_exit_codes(debug), interruptible() as interruption:
        check_outputs([out, json_file])
        with progress_bar(quiet) as progress:
            from densimeter.tour.guide import guided_tour

            result = guided_tour(radius, seed, interruption.heeded_by(progress))
        interruption.check()
        with ExitStack() as drafts:
            drafts.enter_context(written_whole(out)).write_text(result.to_html(), encoding="utf-8")
            if json_file is not None:
                draft = drafts.enter_context(written_whole(json_file))
                draft.write_text(as_json(result.to_dict()), encoding="utf-8")
        if not quiet:
            typer.echo(f"{len(result.parts)} parts in {result.seconds:.0f} s: {out}")
        if open_:
            webbrowser.open(out.resolve().as_uri())
