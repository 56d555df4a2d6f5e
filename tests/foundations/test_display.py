"""Names made safe: no character that is left can command a terminal or end a line."""

import unicodedata

import pytest

from densimeter.foundations.display import clean_name, printable

_EVERY_CHARACTER = [chr(code) for code in range(0x110000)]
_HARMFUL = {
    c
    for c in _EVERY_CHARACTER
    if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")
    or unicodedata.bidirectional(c) in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
}


@pytest.mark.parametrize("safe", [printable, clean_name])
def test_no_control_surrogate_line_end_or_turn_of_direction_is_left(safe):
    left = safe("".join(_EVERY_CHARACTER))
    assert not _HARMFUL & set(left)


@pytest.mark.parametrize("name", ["[red]", "[/]", "<b>", "price €", "größe", "身長", "\U0001f468‍\U0001f467"])
def test_what_is_printable_stays(name):
    assert printable(name) == clean_name(name) == name


def test_escapes_are_spelt_out():
    assert printable("a\x1b]0;x\x07\u202e\n") == r"a\x1b]0;x\x07\u202e\n"
