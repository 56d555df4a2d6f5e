"""The whole tour as a reader meets it: written by the command, opened in a browser."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

KEYS = (
    "ring",
    "recovery",
    "bandwidth",
    "gradient",
    "importance",
    "energy",
    "verdict",
    "bound",
    "asymmetry",
    "limit",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    command = [sys.executable, "-m", "densimeter", "tour", "--out", "tour.html", "--json", "tour.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


@pytest.fixture(scope="module")
def figures(written):
    parts = json.loads((written / "tour.json").read_text())["parts"]
    assert tuple(part["key"] for part in parts) == KEYS
    return {part["key"]: part["figures"] for part in parts}


def test_the_bandwidth_of_the_study_is_chosen(figures):
    assert figures["bandwidth"]["bandwidth"] == pytest.approx(0.6158, abs=1e-4)
    assert figures["bandwidth"]["test_score"]["value"] == pytest.approx(-5.20, abs=0.03)


def test_importance_sampling_converges_at_the_known_rate(figures):
    assert figures["importance"]["slope"] == pytest.approx(-0.5, abs=0.12)
    log_z = figures["energy"]["log_z"]
    assert abs(log_z["value"] - figures["importance"]["log_z"]) < 0.02


def test_no_model_beats_the_oracle_and_the_energy_model_beats_the_kernel(figures):
    scores = {name: figures["verdict"][name]["value"] for name in ("oracle", "energy", "mixture", "kernel")}
    assert scores["oracle"] > max(scores["energy"], scores["mixture"], scores["kernel"])
    assert scores["energy"] > scores["kernel"]
    assert figures["verdict"]["softmax_of_a_flat_energy"] == pytest.approx(-7.950, abs=5e-4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_every_part_is_there_and_the_console_is_silent(written, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if "tour.html" not in request.url else None)
    page.goto((written / "tour.html").as_uri())
    for key in KEYS:
        section = page.locator(f"section#{key}")
        assert section.is_visible()
        assert section.locator("math").count() >= 1
        assert section.locator("figure svg").count() >= 1
        for picture in section.locator("[role=img]").all():
            assert len(picture.get_attribute("aria-label")) > 40
    assert said == []
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, colour[4:-1].split(","))) < 200) == (scheme == "dark")
    context.close()


def test_the_keyboard_reaches_the_content_and_every_part(written, browser):
    page = browser.new_page()
    page.goto((written / "tour.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached = []
    for _ in KEYS:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == [f"#{key}" for key in KEYS]
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == f"#{KEYS[-1]}"
    page.close()
