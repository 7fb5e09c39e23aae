"""HTML that no text can leave."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from edgesdk.report.markup import Markup, join, tag


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.titles: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.titles += [value for key, value in attrs if key == "title"]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_text_and_attributes_come_back_as_they_were_given(text: str) -> None:
    reader = Reader()
    reader.feed(tag("p", text, title=text))
    assert reader.tags == ["p"]
    assert reader.text == text
    assert reader.titles == [text]


def test_markup_is_taken_as_it_is() -> None:
    assert tag("p", tag("b", "<x>"), " & ") == "<p><b>&lt;x&gt;</b> &amp; </p>"
    assert join(Markup("<i></i>"), "<") == "<i></i>&lt;"


def test_attributes_without_a_value_are_left_out() -> None:
    assert (
        tag("td", "1", class_=None, data_value=2, for_="x") == '<td data-value="2" for="x">1</td>'
    )
