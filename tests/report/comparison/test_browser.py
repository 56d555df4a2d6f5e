"""The page of a comparison as a reader meets it: offline, by pointer and keyboard, in any light and width."""

from contextlib import contextmanager

import pytest

MOST_BYTES = 5_000_000
NAMES = ("ring", "line", "five", "hostile")


@contextmanager
def opened(browser, pages, name, **options):
    """The page, drawn; afterwards nothing may have been said or asked for."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, "offline": True, **options})
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda asked: said.append(asked.url) if f"{name}.html" not in asked.url else None)
    page.goto((pages / f"{name}.html").as_uri())
    if options.get("java_script_enabled", True):
        page.wait_for_selector("html.drawn")
    yield page
    assert said == []
    context.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_every_chart_is_drawn_offline_and_nothing_stands_out(browser, pages, name, width, scheme):
    viewport = {"width": width, "height": 900}
    with opened(browser, pages, name, viewport=viewport, color_scheme=scheme) as page:
        charts = page.locator("figure.chart")
        assert charts.count() >= 3
        assert page.locator("figure.chart .vega-embed svg.marks").count() == charts.count()
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert sideways <= 0
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, background[4:-1].split(","))) < 200) == (scheme == "dark")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_small_enough_to_be_sent(pages, name):
    assert (pages / f"{name}.html").stat().st_size < MOST_BYTES


def test_each_chart_has_words_for_those_who_cannot_see_it(browser, pages):
    with opened(browser, pages, "ring") as page:
        for drawing in page.locator("[role=img]").all():
            assert len(drawing.get_attribute("aria-label")) > 40


def test_a_value_is_told_under_the_pointer(browser, pages, ring):
    with opened(browser, pages, "ring") as page:
        page.locator("#likelihoods .mark-symbol path").first.hover()
        tip = page.locator("#vg-tooltip-element.visible")
        tip.wait_for()
        assert ring.best.name in tip.inner_text()
        assert f"{abs(ring.best.log_likelihood.value):.4f}" in tip.inner_text()


def test_a_model_is_switched_off_in_every_chart_and_on_again(browser, pages, ring):
    place = [model.name for model in ring.models].index("one hill")
    with opened(browser, pages, "ring") as page:
        box = page.get_by_label("one hill", exact=True)
        alone = page.locator(f"figure[data-model='m{place}']").first
        dots = page.locator("#likelihoods .mark-symbol path")
        lines = page.locator("#density .mark-line path")
        assert (dots.count(), alone.is_visible()) == (3, True)
        before = lines.count()
        box.uncheck()
        page.wait_for_function("document.querySelectorAll('#likelihoods .mark-symbol path').length === 2")
        assert lines.count() < before
        assert not alone.is_visible()
        box.check()
        page.wait_for_function("document.querySelectorAll('#likelihoods .mark-symbol path').length === 3")
        assert alone.is_visible()


def test_the_keyboard_reaches_the_switches_and_turns_them(browser, pages):
    with opened(browser, pages, "ring") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.type") == "checkbox":
                break
        assert page.evaluate("document.activeElement.checked") is True
        page.keyboard.press("Space")
        assert page.evaluate("document.activeElement.checked") is False
        page.wait_for_function("document.querySelectorAll('#likelihoods .mark-symbol path').length === 2")


def test_a_table_is_sorted_by_its_heads_and_says_so(browser, pages, ring):
    with opened(browser, pages, "ring") as page:
        head = page.locator("#ranking th", has=page.get_by_text("log-likelihood", exact=True)).first
        names = page.locator("#ranking table").first.locator("tbody th")
        ascending = [model.name for model in reversed(ring.models)]
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert [name for name in names.all_inner_texts() if name != "oracle"] == ascending
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert [name for name in names.all_inner_texts() if name != "oracle"] == ascending[::-1]


def test_without_script_verdict_tables_and_pictures_are_there(browser, pages):
    with opened(browser, pages, "ring", java_script_enabled=False) as page:
        assert page.locator(".verdict").is_visible()
        assert page.locator("#ranking table").first.is_visible()
        assert page.locator("#likelihoods svg").is_visible()
        assert not page.locator(".models").is_visible()  # what would do nothing is not offered


def test_what_a_user_named_stays_text(browser, pages):
    with opened(browser, pages, "hostile") as page:
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == page.locator("figure.chart").count() + 1
        assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
        page.locator("#likelihoods .mark-symbol path").first.hover()
        page.locator("#vg-tooltip-element.visible").wait_for()
        assert page.locator("#vg-tooltip-element img").count() == 0


def test_a_printed_page_is_dark_on_white(browser, pages):
    with opened(browser, pages, "line", color_scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 58, 75)"


def test_contours_follow_their_line_and_do_not_fill(browser, pages):
    with opened(browser, pages, "ring") as page:
        outline = page.evaluate(
            """() => [...document.querySelectorAll('#density .mark-line path')].map(path => {
                 const box = path.getBBox();
                 return path.getTotalLength() / (2 * (box.width + box.height));
               })"""
        )
        # a curve around a hill is no longer than the box around it, but for its dents; one that fills it is
        assert max(outline) < 1.5
