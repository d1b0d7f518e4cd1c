"""Processes that belong together, wherever their parents went and whichever session they moved to."""

import contextlib
import subprocess
from pathlib import Path

MARK = "TPM_TEST_SERVICE"
"""An environment variable that every process of a service inherits, however it was started."""


def family(mark: str) -> dict[int, str]:
    """The living processes whose environment holds `mark`. Returns: process id → command line."""
    return _from_proc(mark) if Path("/proc/self/environ").exists() else _from_ps(mark)


def _from_proc(mark: str) -> dict[int, str]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (folder / "environ").read_bytes()
            if f"{MARK}={mark}".encode() in environment:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()
    return found


def _from_ps(mark: str) -> dict[int, str]:
    listing = subprocess.run(
        ["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True, errors="replace", check=False
    )
    lines = [line.strip().split(" ", 1) for line in listing.stdout.splitlines() if f"{MARK}={mark}" in line]
    return {int(pid): command for pid, command in lines}
