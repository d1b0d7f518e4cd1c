"""The product's commands as processes of their own, forked from one that has imported them already.

Python takes a second of processor time to import what `tpm receive` or the mailbox's reader needs, many times what
most of the tests' commands then do. Here a nursery imports it once and forks for each command: a real process with an
environment, standard streams, signals and an exit code of its own, which may be killed. Only the start of Python
itself is left out; tests of what happens there, such as a FAIL_POINT, start the command from nothing.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMANDS, PARTS = "tpminstitute.cli", "workers.__main__"
"""What can be run: `tpm …` and `python -m workers …`."""
ALREADY_THERE = (COMMANDS, PARTS, "tpminstitute.delivery_agent", "workers.mailbox", "alembic.command")
LOOK_EVERY = 0.01
"""Seconds between two looks whether one has ended."""

_nursery: subprocess.Popen[str] | None = None


class Forked:
    """One process: `module.main(words)` in an environment of its own; what it says is added to files."""

    def __init__(self, module: str, words: list[str], environment: dict[str, str]) -> None:
        """Prepare it; nothing is started yet."""
        assert "FAIL_POINT" not in environment, "it is read when Python starts: start that command from nothing"
        self._order = {"module": module, "words": words, "environment": environment}
        self.pid = 0
        self.code: int | None = None  # of its exit, negative for a signal

    def start(self, said: Path, complained: Path | None = None, given: Path = Path(os.devnull)) -> None:
        """Start it; `said` takes its standard output, `complained` its standard error, `given` is its input."""
        streams = [str(given), str(said), str(complained or said)]
        self.pid = _ask(self._order | {"streams": streams})

    @property
    def running(self) -> bool:
        """Whether it is there (a stopped one is)."""
        if self.pid and self.code is None:
            self.code = _ask({"ended": self.pid})
        return bool(self.pid) and self.code is None

    def wait(self, timeout: float = 60) -> int:
        """Wait at most `timeout` seconds for its end. Returns: its exit code."""
        deadline = time.monotonic() + timeout
        while self.running:
            assert time.monotonic() < deadline, f"{self._order['words']} still runs after {timeout} s"
            time.sleep(LOOK_EVERY)
        assert self.code is not None, "it was not started"
        return self.code

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, as an operator would."""
        if self.running:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL, and see it off."""
        if self.running:
            self.signal(signal.SIGKILL)
            self.wait()


def run(
    module: str, words: list[str], environment: dict[str, str], folder: Path, given: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Parameters: `folder`, where what it reads and says is kept meanwhile; `given`, what its standard input holds.
    Returns: its exit code and what it said.
    """
    paths = [folder / f"forked.{name}" for name in ("in", "out", "err")]
    for path, content in zip(paths, (given, b"", b""), strict=True):
        path.write_bytes(content)
    process = Forked(module, words, environment)
    process.start(paths[1], paths[2], given=paths[0])
    code = process.wait()
    return subprocess.CompletedProcess([module, *words], code, paths[1].read_text("utf-8"), paths[2].read_text("utf-8"))


def _ask(order: dict[str, Any]) -> Any:
    global _nursery
    if _nursery is None:
        _nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=ROOT,
        )
        atexit.register(_nursery.communicate)
    assert _nursery.stdin is not None
    assert _nursery.stdout is not None
    _nursery.stdin.write(json.dumps(order) + "\n")
    _nursery.stdin.flush()
    return json.loads(_nursery.stdout.readline())


def _nurse() -> int | None:
    """Fork whatever is ordered, until nobody can order any more; then nothing that was forked stays."""
    for name in ALREADY_THERE:
        importlib.import_module(name)
    gc.freeze()
    children: set[int] = set()
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "module" in order:
            pid = os.fork()
            if not pid:
                return _live(order)
            children.add(pid)
            answer: int | None = pid
        else:
            answer = _end_of(order["ended"], children)
        print(json.dumps(answer), flush=True)
    for pid in children:
        for end in (os.killpg, os.kill):  # it may not lead a group yet
            with contextlib.suppress(ProcessLookupError):
                end(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return 0


def _end_of(pid: int, children: set[int]) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _live(order: dict[str, Any]) -> int | None:
    """Be the process that was ordered."""
    os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, path in enumerate(order["streams"]):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = map(os.fdopen, range(3), "rww")
    code: int | None = importlib.import_module(order["module"]).main(order["words"])
    return code


if __name__ == "__main__":
    sys.exit(_nurse())
