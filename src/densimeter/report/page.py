"""A self-contained HTML page: no script, no request, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from densimeter.plotting.panels import Picture
from densimeter.report.formulas import as_mathml
from densimeter.report.parts import Figure, Grid, Part


@dataclass(frozen=True)
class Page:
    """A titled sequence of parts, and how to make the page again."""

    title: str
    lead: str
    parts: Sequence[Part]
    provenance: str

    def render(self) -> str:
        """The page as one string of HTML."""
        style = (resources.files("densimeter.report") / "style.css").read_text(encoding="utf-8")
        contents = "\n".join(
            f'<li><a href="#{part.key}">{escape(part.title)}</a></li>' for part in self.parts
        )
        sections = "\n".join(_section(number, part) for number, part in enumerate(self.parts, 1))
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="densimeter">
<link rel="icon" href="data:,">
<title>{escape(self.title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>{escape(self.title)}</h1>
<p class="lead">{escape(self.lead)}</p>
<nav aria-label="Parts"><ol>
{contents}
</ol></nav>
</header>
<main id="content" tabindex="-1">
{sections}
</main>
<footer><p>{escape(self.provenance)}</p></footer>
</body>
</html>
"""


def _section(number: int, part: Part) -> str:
    formulas = "\n".join(f'<div class="formula" tabindex="0">{as_mathml(tex)}</div>' for tex in part.formulas)
    pictures = "\n".join(_picture(picture) for picture in part.pictures)
    grids = "\n".join(_grid(grid, part.title) for grid in part.grids)
    return f"""<section id="{part.key}" aria-labelledby="{part.key}-title">
<h2 id="{part.key}-title"><span class="number">{number}</span>{escape(part.title)}</h2>
{formulas}
{pictures}
<p>{escape(part.reading)}</p>
{_figures(list(part.figures.values()), part.title)}
{grids}
</section>"""


def _picture(picture: Picture) -> str:
    words = escape(picture.alternative)
    drawing = f'<div role="img" aria-label="{words}">{picture.svg}</div>'
    return f"<figure>{drawing}<figcaption>{words}</figcaption></figure>"


def _figures(figures: Sequence[Figure], title: str) -> str:
    if not figures:
        return ""
    rows = "\n".join(
        f'<tr><th scope="row">{escape(figure.label)}</th><td class="value">{escape(figure.shown())}</td></tr>'
        for figure in figures
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Figures: {escape(title)}">'
        f"<table><tbody>{rows}</tbody></table></div>"
    )


def _grid(grid: Grid, title: str) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in grid.heads)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in grid.rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {escape(title)}">'
        f'<table class="grid"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
