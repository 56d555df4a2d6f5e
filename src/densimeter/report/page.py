"""The page of a tour: titled parts with formulas, pictures, figures and a paragraph. It needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from densimeter.plotting.panels import Picture
from densimeter.report.engine import render, security_policy, stylesheet
from densimeter.report.formulas import as_mathml
from densimeter.report.parts import Part


@dataclass(frozen=True)
class Page:
    """A titled sequence of parts, and how to make the page again."""

    title: str
    lead: str
    parts: Sequence[Part]
    provenance: str

    def render(self) -> str:
        """The page as one string of HTML."""
        return render(
            "tour.html",
            title=self.title,
            lead=self.lead,
            parts=self.parts,
            provenance=self.provenance,
            policy=security_policy(),
            style=stylesheet("style.css"),
            mathml=lambda tex: Markup(as_mathml(tex)),
            drawing=_drawing,
        )


def _drawing(picture: Picture) -> Markup:
    return Markup(picture.svg)
