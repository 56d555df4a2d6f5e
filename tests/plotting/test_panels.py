import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from densimeter.plotting.panels import (
    ACCENT,
    INK,
    as_picture,
    label,
    legend,
    panels,
    panels_above_one,
    surface_panels,
)


def _drawn(name="one"):
    figure, (panel,) = panels()
    panel.plot([0, 1], [0, 1], color=ACCENT, label="a < b")
    label(panel, "title", "x", "y")
    legend(panel)
    return as_picture(figure, "a line", name)


def test_svg_is_well_formed_and_has_no_size_of_its_own():
    root = ElementTree.fromstring(_drawn().svg)
    assert root.tag.endswith("svg")
    assert "viewBox" in root.attrib
    assert "width" not in root.attrib


def test_colours_are_the_pages_own():
    svg = _drawn().svg
    assert "var(--accent)" in svg
    assert "var(--ink)" in svg
    assert ACCENT not in svg.lower()
    assert INK not in svg.lower()


def test_ids_of_two_pictures_do_not_meet():
    ids = [set(re.findall(r'\bid="([^"]+)"', _drawn(name).svg)) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_has_its_target():
    svg = _drawn().svg
    targets = set(re.findall(r'\bid="([^"]+)"', svg))
    references = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
    assert references <= targets


def test_the_same_picture_is_the_same_text():
    assert _drawn().svg == _drawn().svg


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (3, 2)])
def test_panels_are_counted_row_by_row(columns, rows):
    figure, axes = panels(columns, rows)
    assert len(axes) == columns * rows == len(figure.axes)


def test_surface_and_wide_panels():
    _, (solid, flat) = surface_panels()
    solid.plot_surface(*np.meshgrid([0, 1], [0, 1]), np.eye(2))
    assert flat.name == "rectilinear"
    _, small, wide = panels_above_one(3)
    assert len(small) == 3
    assert wide.get_position().width > 2 * small[0].get_position().width
