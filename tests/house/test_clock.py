"""Time comes from `clock.now()`, so that a simulation's copied clock holds wherever anything is decided."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import python_files, shown

PRESENT = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.strftime",
    "time.ctime",
    "func.now",
    "func.current_timestamp",
    "func.current_date",
}
SUSPECT = re.compile(r"now|today|time\.|from time|current_|ctime")
"""What a file must say to be read closely: reading every one takes a second."""

MACHINES_OWN = {
    "tpminstitute/core/clock.py",
    "tpminstitute/doctor/checks_database.py",
    "tpminstitute/doctor/checks_mail.py",
}
"""What reads the machine's clock on purpose: the one source, and the doctor, who looks how it goes."""


def asked(source: str) -> Iterator[str]:
    """The ways in which a file asks for the present moment by itself."""
    if not SUSPECT.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ".".join(ast.unparse(node.func).split(".")[-2:])
            if name in PRESENT:
                yield f"{node.lineno}: {name}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"{node.lineno}: time.{alias.name}" for alias in node.names if f"time.{alias.name}" in PRESENT)


@pytest.mark.parametrize("how", ["datetime.now(UTC)", "datetime.datetime.now()", "func.now()", "from time import time"])
def test_asking_for_the_time_is_found(how):
    assert list(asked(f"import datetime\n{how}\n"))


def test_nothing_takes_the_time_by_itself():
    files: list[Path] = [path for path in python_files() if shown(path) not in MACHINES_OWN]
    assert not [f"{shown(path)}, {found}" for path in files for found in asked(path.read_text("utf-8"))]
