from html.parser import HTMLParser

from densimeter.plotting.panels import Picture
from densimeter.report.formulas import as_mathml
from densimeter.report.page import Page
from densimeter.report.parts import Figure, Grid, Part

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of order, and keeps ids, links and scripts."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.tags = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if tag == "a" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _page() -> str:
    part = Part(
        "one",
        "A <title>",
        (r"\frac{1}{2}",),
        (Picture("<svg></svg>", 'says "what" it shows'),),
        {"n": Figure("rows & columns", 3.0, 0)},
        "Reading with <b> & such.",
        (Grid(("head <i>", "value"), (("a", "1"),)),),
    )
    return Page("Title <script>", "Lead & more", [part], "made <here>").render()


def test_tags_are_balanced_and_text_is_escaped():
    page = Balanced()
    page.feed(_page())
    assert page.open == []
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "i" not in page.tags


def test_every_link_leads_to_an_id_and_no_id_stands_twice():
    page = Balanced()
    page.feed(_page())
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_the_page_asks_for_nothing_outside_itself():
    text = _page()
    assert "https://" not in text
    assert "src=" not in text
    assert "@import" not in text


def test_a_formula_becomes_mathml():
    assert "<mfrac>" in as_mathml(r"\frac{1}{2}")
