"""Days are written as people write them: 3 Nov, and never 03 Nov."""

import re

from tests.house.tree import ROOT, python_files, shown

PADDED = re.compile(r"%d %[bB]")


def test_no_day_before_a_month_has_a_zero_in_front():
    files = [*python_files(), *sorted((ROOT / "templates").rglob("*.*"))]
    assert not [shown(path) for path in files if PADDED.search(path.read_text("utf-8"))]
