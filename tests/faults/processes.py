"""The service's processes one by one, and an operator's supervisor that starts again whatever ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts import guardian
from tests.parts.family import MARK, family
from tests.parts.service import ROOT

LOOK_EVERY = 0.05
"""Seconds between two looks of the supervisor."""


@dataclass
class Process:
    """One of the service's processes, as `tpm web`, `tpm worker` or `tpm scheduler` starts it."""

    name: str
    command: str
    environment: dict[str, str]
    folder: Path
    once: dict[str, str] = field(default_factory=dict)  # in the environment of the first start only, as FAIL_POINT is
    kept_up: bool = True
    deaths: int = 0
    died_at: float = 0.0
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; whatever it prints goes to a file in the folder."""
        once, self.once = self.once, {}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tpminstitute.cli", self.command],
                cwd=ROOT,
                env={**self.environment, **once, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        guardian.watch(self._process.pid, signal.SIGKILL, self.folder, self._mark)

    @property
    def running(self) -> bool:
        """Whether it is there (a stopped one is)."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, as an operator would: to the process that was started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill(self) -> None:
        """End it and its children with SIGKILL, and see them off."""
        if self._process is None:
            return
        deadline = time.monotonic() + 10
        while (left := family(self._mark)) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
            time.sleep(0.01)
        self._process.wait(timeout=5)
        guardian.forget(self._process.pid)


class Supervisor:
    """Starts again, within a moment and without its fault, each process that ended."""

    def __init__(self) -> None:
        """Look after nothing yet."""
        self.processes: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def add(self, process: Process) -> Process:
        """Start a process and look after it from now on."""
        with self._lock:
            process.start()
            self.processes[process.name] = process
        if not self._thread.is_alive():
            self._thread.start()
        return process

    def _run(self) -> None:
        while not self._leave.wait(LOOK_EVERY):
            with self._lock:
                for process in self.processes.values():
                    if process.kept_up and not process.running:
                        process.deaths, process.died_at = process.deaths + 1, time.monotonic()
                        process.kill()  # what it may have left behind
                        process.start()

    def end(self, name: str) -> None:
        """Take one away and leave it so."""
        with self._lock:
            self.processes[name].kept_up = False
            self.processes[name].kill()

    def bring_back(self, name: str) -> None:
        """Start one that was taken away."""
        with self._lock:
            self.processes[name].start()
            self.processes[name].kept_up = True

    def close(self) -> None:
        """End all."""
        self._leave.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        for process in self.processes.values():
            process.kill()
