"""What stands in the page of a comparison, read without a browser."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from densimeter.foundations.estimates import Estimate
from densimeter.report.comparison.page import comparison_page
from densimeter.report.wording import describe_verdict

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Read(HTMLParser):
    """Fails on a tag that is closed out of order; keeps the text, the ids and where links lead."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if tag == "a" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open:
            self.text += data


@pytest.mark.parametrize("name", ["ring", "line", "five", "hostile"])
def test_tags_are_balanced_ids_unique_and_links_lead_somewhere(pages, name):
    page = Read((pages / f"{name}.html").read_text(encoding="utf-8"))
    sections = [found for found in page.ids if not found.startswith(("clip", "gradient"))]
    assert len(sections) == len(set(sections))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_the_numbers_and_the_reasons_are_there(pages, ring):
    text = Read((pages / "ring.html").read_text(encoding="utf-8")).text
    assert describe_verdict(ring) in text
    for model in ring.models:
        assert f"{model.log_likelihood.value:.3f}".replace("-", "\N{MINUS SIGN}") in text
    assert "oracle" in text
    assert ring.unranked[0].reason in text
    assert "random_state=0" in text


def test_the_same_result_gives_the_same_page(line):
    assert comparison_page(line) == comparison_page(line)


def test_many_bandwidths_are_counted_in_the_ranking_and_listed_below(five, tmp_path):
    wide = replace(five.models[0], settings={"bandwidth": [0.11, 0.4, 3.2, 0.5, 1.75]})
    page = comparison_page(replace(five, models=(wide, *five.models[1:])))
    assert "5 bandwidths, 0.11 to 3.2" in page
    assert "(0.11, 0.4" not in page
    details = page[page.index(f"<details><summary>{wide.name}: bandwidth of each column") :]
    assert "1.75" in details[: details.index("</details>")]


def test_the_command_is_told_in_place_of_the_call(line):
    text = Read(comparison_page(line, "densimeter compare 'my rows.csv' --seed 3")).text
    assert "densimeter compare 'my rows.csv' --seed 3" in text
    assert "random_state" not in text


def test_infinite_scores_and_a_single_model_have_a_page(line):
    never = Estimate(-np.inf, -np.inf, -np.inf, 0.95, "a row outside the support")
    first, second = line.models
    hopeless = replace(second, log_likelihood=never, difference_to_best=never)
    text = Read(comparison_page(replace(line, models=(first, hopeless)))).text
    assert "\N{MINUS SIGN}∞" in text
    assert "is the only model ranked" in Read(comparison_page(replace(line, models=(first,)))).text


def test_a_model_whose_densities_cannot_be_drawn_is_still_ranked(five):
    silent = replace(five.models[1], estimator=object())
    text = Read(comparison_page(replace(five, models=(five.models[0], silent)))).text
    assert f"No density there and no samples, so not drawn: {silent.name}" in text


def test_a_model_that_fails_where_it_has_seen_no_rows_does_not_take_the_page_with_it(line):
    class Fragile:
        def score_samples(self, X):
            raise RuntimeError("never asked before")

    fragile = replace(line.models[1], estimator=Fragile())
    text = Read(comparison_page(replace(line, models=(line.models[0], fragile)))).text
    assert f"{line.models[1].log_likelihood.value:.3f}".replace("-", "\N{MINUS SIGN}") in text
    assert f"so not drawn: {fragile.name}." in text


def test_repeated_splits_are_told_one_by_one(line):
    first, second = (replace(model, repeated=(-1.25, -1.375)) for model in line.models)
    text = Read(comparison_page(replace(line, models=(first, second)))).text
    assert "split 2" in text
    assert "\N{MINUS SIGN}1.375" in text


def test_the_licences_of_what_travels_with_the_page_travel_with_it(pages):
    text = Read((pages / "line.html").read_text(encoding="utf-8")).text
    assert "University of Washington Interactive Data Lab" in text
    assert "Mike Bostock" in text


def test_the_work_ends_where_its_listener_wants_it_to(line):
    told = []

    def listen(done, total, message=""):
        told.append(message)
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comparison_page(line, progress=listen)
    assert told == ["report: densities", "report: diagnostics"]
