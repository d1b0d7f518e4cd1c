"""`tpm guide`: the edition, its day or the line that gives it one, and the files made ahead."""

from datetime import date

import pytest

from tpminstitute.cli import main
from tpminstitute.core import clock
from tpminstitute.guide import chapters
from tpminstitute.guide.chapters import load_guide
from tpminstitute.guide.editions import line_for


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch, sqlite_url):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    return tmp_path / "var"


def test_the_command_says_the_edition_and_its_day_and_makes_both_files(data_dir, capsys):
    assert main(["guide"]) == 0
    said = capsys.readouterr().out
    assert f"This is edition {load_guide().edition}, updated on 23 November 2026." in said
    made = sorted(path.suffix for path in (data_dir / "guide").iterdir())
    assert made == [".epub", ".pdf"]
    for path in (data_dir / "guide").iterdir():
        assert str(path) in said


def test_a_text_without_a_day_is_told_with_the_line_that_gives_it_one(monkeypatch, tmp_path, capsys):
    (tmp_path / "guide.md").write_text("# The way\n")
    (tmp_path / "01-first.md").write_text("# First\n\nWords.\n")
    undated = load_guide(tmp_path)
    monkeypatch.setattr(chapters, "load_guide", lambda: undated)
    assert main(["guide"]) == 0
    said = capsys.readouterr().out
    assert "it has no date" in said
    days = {date.fromordinal(clock.now().toordinal() + shift) for shift in (-1, 0, 1)}  # the institute's may be another
    assert any(line_for(undated.edition, day) in said for day in days)
