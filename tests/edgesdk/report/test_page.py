"""The page: whole, harmless, and the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk.plain import to_plain
from edgesdk.report.contents import Report
from edgesdk.report.page import json_in_html, page, page_data
from tests.edgesdk.report import examples

NOTHING = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def text() -> str:
    return page(examples.report())


def embedded(text: str) -> str:
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', text)
    assert found is not None
    return found[1]


def test_the_page_needs_nothing_from_outside(text: str) -> None:
    assert not re.search(r"https?:|//[a-z]", re.sub(r"//[^\n]*\n", "\n", text))
    assert not re.search(r"<link|<img|<iframe|@import|url\(| src=", text)


def test_its_policy_lets_only_its_own_style_and_script_run(text: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    for element in ("style", "script"):
        body = re.search(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy[1]


def test_no_name_of_a_model_becomes_html() -> None:
    text = page(examples.report(name=NOTHING))
    assert NOTHING not in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<script") == 2


@given(st.text())
def test_no_text_leaves_the_data(text: str) -> None:
    embedded = json_in_html({"name": text})
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == {"name": text}


def test_the_same_report_gives_the_same_page(text: str) -> None:
    assert page(examples.report()) == text


def test_the_data_has_a_box_for_each_layer_and_each_node() -> None:
    report = examples.report()
    data = json.loads(json.dumps(page_data(report)))
    layers, nodes = data["views"]
    assert len(layers["boxes"]) == len(data["layers"]) == len(report.layers)
    assert len(nodes["boxes"]) == len(report.network.nodes)
    assert data["layers"][1]["damage"]["sqnr_db"] == 21.5


def test_sections_without_content_are_left_out(text: str) -> None:
    for name in ("summary", "next", "graph", "layers", "front", "fusion", "float", "origin"):
        assert f'id="{name}"' in text
        assert f'href="#{name}"' in text
    bare = page(replace(examples.report(), verification=None, front=(), advice=(), provenance=None))
    for name in ("next", "front", "fusion", "float", "origin"):
        assert f'id="{name}"' not in bare


def test_the_summary_says_what_changed(text: str) -> None:
    for words in (
        "90.00 %",
        "float 91.00 %, -1.00 points",
        "3.75 times larger",
        "2 of 3",
        "4.5 ms",
    ):
        assert words in text


def test_advice_shows_its_command_and_recipe(text: str) -> None:
    assert "edgesdk quantize model.onnx" in text
    assert "[[override]]" in text


def test_numbers_that_json_lacks_do_not_break_the_data() -> None:
    report = examples.report(sqnr_db=float("inf"))
    assert json.loads(embedded(page(report)))["layers"][1]["damage"]["sqnr_db"] == "inf"


def test_a_report_is_plain_data() -> None:
    report: Report = examples.report()
    plain = json.loads(json.dumps(to_plain(report), allow_nan=False))
    assert plain["layers"][1]["name"] == "conv"
    assert plain["verification"]["float_top1"] == 91
