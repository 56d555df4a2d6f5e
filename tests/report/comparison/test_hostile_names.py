"""Names as vectors: whatever a column, a model or a file is called, the page renders and runs none of it."""

import numpy as np
import pytest

from densimeter.foundations.estimates import Estimate
from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.densities import contours_chart, curves_chart
from densimeter.report.charts.intervals import interval_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.charts.render import as_svg, script
from densimeter.report.charts.views import View
from densimeter.report.comparison import page as page_of
from densimeter.report.engine import as_json, render, security_policy, stylesheet

PAYLOADS = [
    "</script><script>hit()</script>",
    "<script>hit()</script>",
    "<img src=x onerror=hit()>",
    "<svg onload=hit()>",
    "<svg><script>hit()</script></svg>",
    "<a href='javascript:hit()'>x</a>",
    "<iframe srcdoc='<script>parent.hit()</script>'>",
    "<math><mi xlink:href='javascript:hit()'>",
    "<style>body{display:none}</style>",
    "<!--",
    "-->",
    "<!-- <script>",
    "]]>",
    "<![CDATA[",
    "&lt;script&gt;hit()&lt;/script&gt;",
    "&#60;script&#62;",
    "&amp;amp;",
    '"',
    "'",
    "`",
    '" onmouseover="hit()',
    "' onfocus='hit()' autofocus='",
    "\\",
    "\\\\",
    "\\'",
    '\\"',
    "\\u003cscript\\u003e",
    "a.b",
    "a[0]",
    "a['b']",
    "[",
    "]",
    "{",
    "}",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "${hit()}",
    "${7*7}",
    "#{hit()}",
    "datum['x']",
    "datum.x",
    "datum",
    "' + hit() + '",
    "'];hit();//",
    "');hit();//",
    "event.view",
    "signal",
    "warn(datum)",
    "data('curves')",
    "indata('a','b','c')",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "undefined",
    "null",
    "NaN",
    "Infinity",
    "true",
    "0",
    "-1",
    "1e999",
    "",
    " ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\x00",
    "\x01",
    "\x08",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\u2028",
    "\u2029",
    "\ud800",
    "\udfff",
    "\ud83d",
    "\ufffe",
    "\uffff",
    "\ufeff",
    "\u202etxt.exe",
    "\u2066\u2067",
    "\u200b",
    "\u0301",
    "e" + "\u0301" * 60,
    "😀",
    "👩\u200d👩\u200d👧",
    "ﷺ",
    "日本語",
    "مرحبا",
    "x" * 10_000,
    "<" * 10_000,
    "javascript:hit()",
    "data:text/html,<script>hit()</script>",
    "//evil.example/x",
    "https://evil.example/x",
    "url(https://evil.example/x)",
    "red;background:url(//evil.example)",
    "expression(hit())",
    "} body { display: none } {",
    "%s{0}",
    "%n%x%d",
    "{0.__class__}",
    "$(hit)",
    "`hit`",
    "; rm -rf /",
    "| cat",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "../../etc/passwd",
    "C:\\con",
    "model",
    "name",
    "x",
    "y",
    "density",
    "title",
    "image",
    "shown",
    "names",
    "lines",
    "curves",
    "value",
    "at x",
    "m0",
]
QUOTES = [("a ", " b"), ("'", "'"), ('"', '"')]
WRAPPED = [f"{before}{name}{after}" for name in PAYLOADS[:32] for before, after in QUOTES]
NAMES = [*PAYLOADS, *WRAPPED]

N_PER_PAGE = 56
"""Names; every one is that of a column and of a model."""
PAGES = [NAMES[first : first + N_PER_PAGE] for first in range(0, len(NAMES) - N_PER_PAGE + 1, N_PER_PAGE)]


def drawn(names):
    """A page with a chart of each name as a column, and each two as models."""
    palette, axis = Palette.of(names), np.linspace(-3, 3, 24)
    rows = np.random.default_rng(0).normal(size=(30, 2))
    hill = np.exp(-(axis**2) / 2)
    charts = []
    for place in range(0, len(names), 2):
        one, other = names[place : place + 2]
        view = View((0,), (one,), rows[:, :1], (axis,), {one: hill, other: hill / 2})
        charts.append(Chart(f"c{place}", other, curves_chart(view, palette, one), one, None, "small", other))
    planes = {name: np.outer(hill, hill) for name in names[:3]}
    view = View((0, 1), (names[0], names[-1]), rows, (axis, axis), planes)
    charts.append(Chart("plane", names[1], contours_chart(view, palette, names[1], (0.5,)), names[1]))
    estimates = {name: Estimate(place, place - 1, place + 1, 0.95, name) for place, name in enumerate(names)}
    ranked = interval_chart(
        estimates, palette, names[2], names[3], reference=estimates[names[4]], reference_name=names[4]
    )
    charts.append(Chart("ranked", names[2], ranked, names[2]))
    table = Table(names[0], names, [[Cell(name, model=name, below=name) for name in names]])
    section = Section("s", names[0], names, charts, [table], code="\n".join(names))
    own = script()
    return render(
        "comparison.html",
        title=names[0],
        verdict=names[1],
        lead=names[2],
        sections=[section],
        palette=palette,
        policy=security_policy(own),
        style=stylesheet("style.css", "comparison.css"),
        script=page_of.Markup(own),
        svg=page_of._svg,
        json=as_json,
        licences="",
        provenance=names[3],
    )


def test_there_are_at_least_two_hundred_names():
    assert len({name for names in PAGES for name in names}) >= 200


def looked_at(browser, file, names):
    """What the page says, asks for or runs; nothing is expected."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda asked: said.append(asked.url) if file.name not in asked.url else None)
    page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1 };")
    page.goto(file.as_uri())
    page.wait_for_selector("html.drawn", timeout=60_000)
    charts = page.locator("figure.chart").count()
    assert page.locator("figure.chart .vega-embed svg.marks").count() == charts == N_PER_PAGE // 2 + 2
    assert page.locator("script").count() == charts + 1
    assert page.locator("iframe, img, svg script, main style").count() == 0
    if max(map(len, names)) < 1000:  # else the list of models covers the chart
        page.locator("#ranked .mark-symbol path").first.hover(force=True)
        page.locator("#vg-tooltip-element.visible").wait_for()
        assert page.locator("#vg-tooltip-element img, #vg-tooltip-element script").count() == 0
    labels = page.locator("#ranked .role-axis-label text").count()
    assert labels >= N_PER_PAGE
    assert page.evaluate("window.hits") == 0
    assert page.evaluate("Object.prototype.toString.call({}) === '[object Object]'")
    context.close()
    return said


@pytest.mark.parametrize(
    "place", [pytest.param(k, marks=pytest.mark.slow if k > 1 else ()) for k in range(len(PAGES))]
)
def test_hostile_names_are_shown_and_never_run(browser, tmp_path, place):
    file = tmp_path / "page.html"
    file.write_text(drawn(PAGES[place]), encoding="utf-8")
    assert looked_at(browser, file, PAGES[place]) == []


def test_the_picture_without_script_is_xml():
    import xml.etree.ElementTree as ElementTree

    axis = np.linspace(-3, 3, 24)
    for name in PAYLOADS[::3]:
        view = View((0,), (name,), np.zeros((5, 1)), (axis,), {name: np.exp(-(axis**2))})
        ElementTree.fromstring(as_svg(curves_chart(view, Palette.of([name]), name), "small"))
