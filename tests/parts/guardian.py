"""A small process that outlives the tests by a moment and takes their servers with it.

Fixtures stop what they start. But a test run may be killed, or interrupted while fixtures are being torn
down, and then nobody would. The guardian holds the reading end of a pipe: when the writing end closes, for
whatever reason, it ends every process still on its list and removes their folders.
"""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.parts.family import family

_guardian: subprocess.Popen[str] | None = None
_one_at_a_time = threading.Lock()


def watch(pid: int, number: signal.Signals, folder: Path, mark: str = "-") -> None:
    """If this process dies, end that one by `number`, then SIGKILL, and remove `folder`.

    Parameters: `mark`, that of its family (see `tests.parts.family`), which then ends with it.
    """
    _tell(f"watch {pid} {int(number)} {mark} {folder}")


def forget(pid: int) -> None:
    """Take an ended process off the list (its number may be given to another one)."""
    _tell(f"forget {pid}")


def _tell(line: str) -> None:
    with _one_at_a_time:
        _write(line)


def _write(line: str) -> None:
    global _guardian
    if _guardian is None:
        _guardian = subprocess.Popen(
            [sys.executable, "-S", "-m", "tests.parts.guardian"],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        atexit.register(_guardian.communicate)
    assert _guardian.stdin is not None
    _guardian.stdin.write(line + "\n")
    _guardian.stdin.flush()


def _guard() -> None:
    watched: dict[int, list[str]] = {}
    for line in sys.stdin:
        verb, pid, *rest = line.rstrip("\n").split(" ", 4)
        if verb == "watch":
            watched[int(pid)] = rest
        else:
            watched.pop(int(pid), None)
    for pid, (number, _, _) in watched.items():
        _signal(pid, int(number))
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in watched) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid, (_, mark, folder) in watched.items():
        for member in {pid, *family(mark)}:
            _signal(member, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # children whose parent died, such as those of a frozen Dovecot
        shutil.rmtree(folder, ignore_errors=True)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    _guard()
