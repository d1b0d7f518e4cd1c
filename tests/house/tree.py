"""Where things stand in this repository, for the tests that read it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def python_files() -> Iterator[Path]:
    """Every file of the product's own code."""
    yield ROOT / "app.py"
    for folder in ("tpminstitute", "workers"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def manual() -> str:
    """README.md and every page of docs/ in one text."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text("utf-8") for page in pages)


def shown(path: Path) -> str:
    """A path as people write it, from the root of the repository."""
    return path.relative_to(ROOT).as_posix()
