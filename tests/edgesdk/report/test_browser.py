"""The page in a browser: no error, no request, and every click and key does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import edgesdk
from edgesdk.report import page, trace_model
from tests.edgesdk import small_network
from tests.edgesdk.report import examples
from tests.edgesdk.report.browser import Tab, opened


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    folder = tmp_path_factory.mktemp("page")
    file = folder / "report.html"
    file.write_text(page(examples.report()), encoding="utf-8")
    with opened(file, folder / "profile") as tab:
        yield tab


@pytest.fixture(autouse=True)
def no_problem(tab: Tab) -> Iterator[None]:
    yield
    assert not tab.problems


def texts(tab: Tab, selector: str) -> list[str]:
    expression = f"[...document.querySelectorAll('{selector}')].map((e) => e.textContent)"
    found: list[str] = tab.ask(expression)
    return found


def test_the_script_runs_to_its_end(tab: Tab) -> None:
    assert tab.ask("document.documentElement.dataset.ready") == "yes"
    assert texts(tab, ".box .op") == ["Input", "Conv + Relu", "Softplus", "Output"]


def test_a_click_on_a_box_shows_the_layer(tab: Tab) -> None:
    tab.ask("document.querySelectorAll('.box')[1].dispatchEvent(new MouseEvent('click'))")
    shown = tab.ask("document.getElementById('details').textContent")
    for words in ("21.5 dB", "because of conv", "w8a8", "12.5 µs", "conv_s8", "UINT8"):
        assert words in shown
    assert len(texts(tab, "#details .histogram")) == 2
    assert tab.ask("document.querySelectorAll('#details .lost').length") > 0
    assert texts(tab, "#layer-table tr.selected th") == ["conv"]
    tab.ask("document.querySelector('#details .close').click()")
    assert "Choose a layer" in tab.ask("document.getElementById('details').textContent")


def test_keys_go_along_the_edges(tab: Tab) -> None:
    tab.ask("document.getElementById('canvas').focus()")
    for _ in range(3):
        tab.press("ArrowDown")
    assert tab.ask("document.querySelector('#details h3').textContent") == "soft"
    tab.press("ArrowUp")
    assert tab.ask("document.querySelector('#details h3').textContent") == "conv"
    tab.press("Escape")
    assert tab.ask("document.querySelectorAll('.box.selected').length") == 0


def test_the_table_sorts_and_filters(tab: Tab) -> None:
    heading = (
        "[...document.querySelectorAll('#layer-table thead button')].find((b) => b.textContent"
    )
    tab.ask(f"{heading} === 'Layer').click()")
    assert texts(tab, "#layer-table tbody th") == ["conv", "soft"]
    tab.ask(f"{heading} === 'Layer').click()")
    assert texts(tab, "#layer-table tbody th") == ["soft", "conv"]
    tab.ask(f"{heading} === 'SQNR dB').click()")
    assert texts(tab, "#layer-table tbody th") == ["conv", "soft"]
    filter_ = "document.getElementById('table-filter')"
    tab.ask(f"{filter_}.value = 'softplus'; {filter_}.dispatchEvent(new Event('input'))")
    assert texts(tab, "#layer-table tbody tr:not([hidden]) th") == ["soft"]
    assert texts(tab, "#table-count") == ["1 of 2"]


def test_q_and_dq_can_be_shown(tab: Tab) -> None:
    view = "document.getElementById('view')"
    tab.ask(f"{view}.value = '1'; {view}.dispatchEvent(new Event('change'))")
    assert texts(tab, ".box .op").count("QuantizeLinear") == 2
    tab.ask(f"{view}.value = '0'; {view}.dispatchEvent(new Event('change'))")
    assert len(texts(tab, ".box")) == 4


def test_search_marks_what_it_finds(tab: Tab) -> None:
    search = "document.getElementById('search')"
    tab.ask(f"{search}.value = 'conv'; {search}.dispatchEvent(new Event('input'))")
    assert texts(tab, "#found") == ["1 found"]
    assert tab.ask("document.querySelectorAll('.box.dim').length") == 3
    tab.ask(f"{search}.focus()")
    tab.press("Enter")
    assert tab.ask("document.querySelector('#details h3').textContent") == "conv"
    tab.ask(f"{search}.value = ''; {search}.dispatchEvent(new Event('input'))")
    assert tab.ask("document.querySelectorAll('.box.dim').length") == 0


def test_zoom_changes_the_size_and_keeps_the_place(tab: Tab) -> None:
    width = "document.getElementById('drawing').width.baseVal.value"
    tab.ask("document.getElementById('zoom-one').click()")
    before = tab.ask(width)
    tab.ask("document.getElementById('zoom-in').click()")
    assert tab.ask(width) == pytest.approx(1.25 * before)
    tab.ask("document.getElementById('zoom-fit').click()")
    assert tab.ask("document.getElementById('canvas').scrollTop") == 0


def test_the_theme_changes_every_colour(tab: Tab) -> None:
    color = "getComputedStyle(document.body).backgroundColor"
    before = tab.ask(color)
    tab.ask("document.getElementById('theme').click()")
    assert tab.ask(color) != before
    tab.ask("document.getElementById('theme').click()")
    assert tab.ask(color) == before


def test_text_has_enough_contrast_in_both_themes(tab: Tab) -> None:
    """WCAG AA: 4.5 to 1 for text on the page, on panels and on every colour of the graph."""
    measure = """(() => {
      const light = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
        .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const style = getComputedStyle(document.documentElement);
      const value = (name) => light(style.getPropertyValue(name).trim());
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const fills = [0, 1, 2, 3, 4].flatMap((i) => [`--heat${i}`, `--kind${i}`]);
      return Math.min(
        ...["--page", "--panel", ...fills].map((back) => ratio(value("--text"), value(back))),
        ...["--page", "--panel"].flatMap((back) =>
          ["--quiet", "--accent"].map((front) => ratio(value(front), value(back)))),
      );
    })()"""
    for _ in range(2):
        assert tab.ask(measure) >= 4.5
        tab.ask("document.getElementById('theme').click()")


def test_names_that_look_like_html_are_text(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    name = "</script><img src=x onerror=alert(1)><script>throw 1</script>"
    file.write_text(page(examples.report(name)), encoding="utf-8")
    with opened(file, tmp_path / "profile") as tab:
        assert name in texts(tab, "#layer-table tbody th")
        assert tab.ask("document.images.length") == 0
        assert not tab.problems


@pytest.mark.native
def test_a_real_report_and_a_bare_graph_are_drawn(tmp_path: Path) -> None:
    quantized = edgesdk.quantize(small_network.network(), small_network.images(8))
    quantized.report(tmp_path / "report.html", rounds=1)
    trace = page(trace_model(small_network.network()))
    (tmp_path / "graph.html").write_text(trace, encoding="utf-8")
    for name in ("report.html", "graph.html"):
        with opened(tmp_path / name, tmp_path / f"profile-{name}", (420, 900)) as tab:
            assert tab.ask("document.documentElement.dataset.ready") == "yes"
            assert tab.ask("document.documentElement.scrollWidth") <= 420
            assert len(texts(tab, ".box")) >= 8
            assert not tab.problems
