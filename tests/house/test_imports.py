"""Imports run one way: doors over rooms over the core."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, project, python_files, shown

RUN = "import importlinter.cli as c; c.lint_imports_command()"
DOORS = ("tpminstitute/web/", "tpminstitute/cli", "workers/", "app.py")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


PLANTED = [
    ("core/clock.py", "import tpminstitute.inbox", "tpminstitute.core is not allowed to import"),
    ("mail/__init__.py", "import tpminstitute.sequences", "tpminstitute.mail is not allowed to import"),
    ("web/site/__init__.py", "import tpminstitute.web.staff", "tpminstitute.web.site is not allowed"),
    ("accounts/__init__.py", "import tpminstitute.screening", "tpminstitute.accounts is not allowed"),
    ("inbox/__init__.py", "from flask import request", "tpminstitute.inbox is not allowed"),
    ("mail/__init__.py", "def late(): import celery", "tpminstitute.mail is not allowed"),
    ("web/staff/__init__.py", "import app", "tpminstitute is not allowed to import app"),
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """What is said of a copy of the code with all these faults; each is one line at the end of its file."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("tpminstitute", "workers"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("app.py", "pyproject.toml"):
        shutil.copy(ROOT / file, copy / file)
    lines = {}
    for file, fault, _ in PLANTED:
        path = copy / "tpminstitute" / file
        path.write_text(f"{path.read_text('utf-8')}\n{fault}\n", "utf-8")
        lines[file, fault] = len(path.read_text("utf-8").splitlines())
    done = lint_imports(copy)
    assert done.returncode != 0, "the planted imports went unnoticed"
    return lines, " ".join(done.stdout.split())


def test_the_contracts_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("file", "fault", "broken"), PLANTED)
def test_an_upward_import_is_refused(planted, file, fault, broken):
    lines, told = planted
    importer = f"tpminstitute.{file.removesuffix('.py').removesuffix('/__init__')}".replace("/", ".")
    assert broken in told
    assert re.search(rf"- {importer} -> [\w.]+ \(l\.{lines[file, fault]}\)", told), told


def test_every_room_and_door_has_its_place_in_the_contract():
    layers = project()["tool"]["importlinter"]["contracts"][0]["layers"]
    placed = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    package = ROOT / "tpminstitute"
    found = {module_name(child) for folder in (package, package / "web") for child in folder.iterdir()}
    assert found - {None, "tpminstitute.web"} <= placed


def module_name(path: Path) -> str | None:
    if path.name.startswith("_") or (path.is_dir() and not any(path.glob("*.py"))):
        return None
    if path.is_dir() or path.suffix == ".py":
        return ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return None


def test_no_room_imports_any_flask_extension():
    refused = re.compile(r"flask|celery|werkzeug")
    assert not [f"{shown(path)}: {name}" for path in rooms() for name in imported(path) if refused.match(name)]


def rooms() -> list[Path]:
    return [path for path in python_files() if not shown(path).startswith(DOORS)]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names
