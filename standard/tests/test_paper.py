import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.graphics.barcode.code39 import Standard39

from ..paper import MORE, Sheet, code_39, day, number, split_text


def test_conventions():
    assert number(1234567.5) == "1.234.567,50"
    assert number(0.005) == "0,01"
    assert number("1.5", 4) == "1,5000"
    assert day(datetime.date(2026, 3, 9)) == "09/03/2026"
    assert day(None) == ""


@pytest.mark.parametrize("text", ["1", "12345678901234567890", "A-9. $/+%", "SOL-1"])
def test_code_39_as_another_writer_draws_it(text):
    """ReportLab names each element by a letter: bar or space, a capital when it is wide."""
    other = Standard39(text, checksum=0, stop=1)
    other.validate()
    other.encode()
    other.decompose()
    bars, position = [], 0.0
    for element in other.decomposed:
        width = {"B": 2.5, "S": 2.5, "b": 1.0, "s": 1.0, "i": 1.0}[element]
        if element in "Bb":
            bars.append((position, width))
        position += width
    assert code_39(text)[0] == bars


@pytest.mark.parametrize("text", ["", "é", "abc", "1*2"])
def test_what_code_39_cannot_say_has_no_bars(text):
    assert code_39(text) == ([], 0.0)


@given(st.text(), st.floats(5, 300), st.integers(1, 8))
def test_a_split_text_is_whole(text, width, lines):
    head, rest = split_text(text, width, lines, 7.5)
    assert "".join((head + rest).split()) == "".join(text.split())


@given(st.text(min_size=1), st.floats(8, 300), st.integers(1, 4))
def test_a_box_and_what_is_printed_behind_are_whole(text, width, lines):
    sheet = Sheet("form", {})
    head, _small = sheet.fit("1 – Box", text, width, lines)
    rest = sheet.rest.get("1 – Box", "")
    if rest:
        assert head.endswith(MORE)
        head = head.removesuffix(MORE)
    assert "".join((head + rest).split()) == "".join(text.split())


def test_two_texts_of_one_label_are_both_kept():
    sheet = Sheet("form", {})
    for text in ("a" * 500, "b" * 500, "a" * 500):
        sheet.fit("41", text, 30)
    assert list(sheet.rest) == ["41", "41 [2]"]
