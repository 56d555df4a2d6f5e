"""What a page needs for its charts: a picture of each without script, and the one script that draws them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import altair as alt

STATIC_WIDTH = {"wide": 1020, "main": 670, "half": 490, "small": 315}
"""In pixels, of the picture that stands until the script draws, and where none runs."""

_VERSION = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def as_svg(spec: Mapping[str, Any], size: str) -> str:
    """The chart as SVG that scales with the page, hidden from screen readers, which get its words."""
    import vl_convert

    seen = [layer for layer in spec["layer"] if layer["mark"].get("opacity") != 0]
    still = {**spec, "layer": seen, "width": STATIC_WIDTH[size]}
    svg = vl_convert.vegalite_to_svg(still, vl_version=_VERSION)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"', r'<svg aria-hidden="true" \1', svg, count=1)
    return re.sub(r' aria-(label|roledescription)="[^"]*"| role="graphics-[a-z]*"', "", svg)


@cache
def script() -> str:
    """Vega, Vega-Lite and Vega-Embed in one, with the page's own lines behind them."""
    import vl_convert

    own = (resources.files("densimeter.report") / "templates" / "comparison.js").read_text(encoding="utf-8")
    return vl_convert.javascript_bundle(own, vl_version=_VERSION)
