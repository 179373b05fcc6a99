"""Links between the pages of the documentation lead somewhere, and the study's page fits its tables."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from publish import verdicts

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md"), *ROOT.glob("docs/study/*/*.md")]


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files_and_headings(page: Path) -> None:
    """A page that was moved or a section that was renamed is noticed where it is linked."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in _anchors(target), f"{link}: no such heading"


def test_the_pages_that_are_checked_are_those_that_exist() -> None:
    """The patterns above find the README and the reference pages."""
    assert {ROOT / "README.md", ROOT / "docs/model.md", ROOT / "data/README.md"} <= set(PAGES)


def test_the_page_of_the_study_is_that_of_its_tables() -> None:
    """Differences are those of the two areas beside them, and verdicts follow from interval and p."""
    folder = ROOT / "docs" / "study"
    experiments = list(yaml.safe_load((ROOT / "config/config.yaml").read_text())["experiments"])
    page = verdicts.page(folder, experiments)
    assert page == (folder / "README.md").read_text(), "run `python -m publish`"
    rows = [line.split(" | ")[2:] for line in page.splitlines() if " trials) | " in line]
    assert rows
    for row in rows:
        for (areas, difference), rounding in ((row[:2], 0.002), (row[4:6], 0.02)):
            own, other = map(float, areas.split(", "))
            assert float(difference.split(" ")[0]) == pytest.approx(own - other, abs=rounding)


@pytest.mark.parametrize(
    ("low", "high", "p_value", "said"),
    [
        (-2.0, -1.0, 0.01, "ahead"),
        (-2.0, -1.0, 0.125, "probably ahead"),
        (1.0, 2.0, 0.01, "behind"),
        (1.0, 2.0, 0.125, "probably behind"),
        (-1.0, 1.0, 0.01, "open"),
        (-1.0, 1.0, 0.5, "open"),
        (np.nan, np.nan, 0.25, "open"),
    ],
)
def test_verdicts(low: float, high: float, p_value: float, said: str) -> None:
    assert verdicts.verdict(low, high, p_value) == said
