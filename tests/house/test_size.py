"""Files stay small, names say something, tasks only call."""

import ast
import re

import pytest

from tests.house.tree import ROOT, python_files, shown

LINES = 300
TASK_LINES = 6
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common_functions)(_|$)", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def test_no_file_of_a_door_or_room_is_over_300_lines():
    long = {shown(p): n for p in python_files() if (n := len(p.read_text("utf-8").splitlines())) > LINES}
    assert not long


def test_no_file_is_named_utils_helpers_or_managers():
    names = {part for path in python_files() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not {name for name in names if EMPTY_NAMES.search(name)}


def test_no_class_is_a_manager_or_a_helper():
    guilty = [
        f"{shown(path)}: {node.name}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?)$", node.name)
    ]
    assert not guilty


@pytest.mark.parametrize("folder", ["app.py", "tpminstitute", "workers", "static", "templates", "migrations"])
def test_nothing_is_left_for_later_in_the_code(folder):
    start = ROOT / folder
    files = [start] if start.is_file() else [p for p in start.rglob("*") if p.suffix in CODE]
    guilty = [shown(path) for path in files if UNFINISHED.search(path.read_text("utf-8"))]
    assert not guilty


def test_no_line_of_a_page_is_a_lone_word_of_one_or_two_letters():
    pages = sorted((ROOT / "templates").rglob("*.html"))
    lone = re.compile(r"^\s*\w{1,2}\s*$", re.MULTILINE)
    assert [shown(path) for path in pages if lone.search(path.read_text("utf-8"))] == []


CODE = {".py", ".html", ".js", ".css", ".txt"}


def test_a_task_has_at_most_six_lines():
    tasks = task_bodies()
    assert tasks, "no task was found in workers/tasks.py"
    assert not {name: lines for name, lines in tasks.items() if lines > TASK_LINES}


def task_bodies() -> dict[str, int]:
    """Every task and the number of lines of its body, the docstring aside."""
    tree = ast.parse((ROOT / "workers/tasks.py").read_text("utf-8"))
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any("task" in ast.unparse(d) for d in node.decorator_list)
    ]
    return {node.name: body_lines(node) for node in found}


def body_lines(node: ast.FunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
