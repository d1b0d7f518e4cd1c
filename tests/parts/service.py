"""The whole service as an operator starts it: `python app.py` with real processes."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from types import TracebackType

from tests.parts import guardian
from tests.parts.family import MARK, family
from tests.parts.lint import POSTAL_ADDRESS
from tests.parts.ports import free_port
from tpminstitute.core.config import CATCHER_PORT_OFFSET

ROOT = Path(__file__).resolve().parents[2]
_colour = re.compile(r"\x1b\[[0-9;]*m")


class RunningService:
    """One running service with a DATA_DIR, a port and a secret of its own."""

    def __init__(self, environment: dict[str, str] | None = None, data_dir: Path | None = None) -> None:
        """Parameters: `environment` adds to or replaces the settings, {port} in it standing for the port; `data_dir`
        outlives this service.
        """
        self.port = free_port(also=CATCHER_PORT_OFFSET)
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = Path(tempfile.mkdtemp(prefix="tpm-service-"))
        self.data_dir = data_dir or self._folder / "var"
        self._mark = uuid.uuid4().hex
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "BIND": f"127.0.0.1:{self.port}",
            "PUBLIC_URL": self.url,
            "DATA_DIR": str(self.data_dir),
            "POSTAL_ADDRESS": POSTAL_ADDRESS,
            MARK: self._mark,
            **{name: value.replace("{port}", str(self.port)) for name, value in (environment or {}).items()},
        }
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._grown = threading.Condition()
        self.started_in = 0.0  # seconds from start to the first good answer of /readyz

    def start(self, timeout: float = 60.0) -> "RunningService":
        """Start it and wait until /readyz answers 200, at most `timeout` seconds."""
        begun = time.monotonic()
        self.launch()
        while not self._ready():
            if self._process is None or self._process.poll() is not None:
                self.kill()
                raise AssertionError(f"the service ended instead of starting:\n{self.output}")
            if time.monotonic() > begun + timeout:
                self.kill()
                raise AssertionError(f"the service was not ready in {timeout} s:\n{self.output}")
            time.sleep(0.05)
        self.started_in = time.monotonic() - begun
        return self

    def launch(self) -> None:
        """Start it and wait for nothing: for starts that are meant to fail (see `wait`)."""
        self._process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        guardian.watch(self._process.pid, signal.SIGTERM, self._folder, self._mark)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                with self._grown:
                    self._lines.append(_colour.sub("", line))
                    self._grown.notify_all()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    @property
    def output(self) -> str:
        """Everything it has printed, without colours."""
        with self._grown:
            return "".join(self._lines)

    def wait_for_output(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until its output matches the regular expression `pattern`. Returns: the first match."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            match = re.search(pattern, "".join(self._lines))
            if match:
                found.append(match)
            return match is not None

        with self._grown:
            if not self._grown.wait_for(look, timeout):
                raise AssertionError(f"no output like {pattern!r} in {timeout} s:\n{''.join(self._lines)}")
        return found[-1]

    @property
    def setup_link(self) -> str:
        """The one-time link to the first account, as printed at first start."""
        return self.wait_for_output(r"https?://\S+/staff/setup/[\w.~-]+").group(0).rstrip(".")

    def wait(self, timeout: float = 30.0) -> int:
        """Wait until it has ended by itself. Returns: its exit status."""
        assert self._process is not None, "the service was not started"
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the service still runs after {timeout} s:\n{self.output}") from None
        self.kill()
        return status

    def stop(self, timeout: float = 5.0) -> float:
        """Ctrl-C. Returns: how many seconds it took to end, all its processes with it.

        Raises: AssertionError if one of them still runs after `timeout` seconds; all are ended in any case.
        """
        if self._process is None:
            return 0.0
        begun = time.monotonic()
        commands = self.processes()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        try:
            while (left := self.processes()) and time.monotonic() < begun + timeout:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)
                time.sleep(0.02)
        finally:
            took = time.monotonic() - begun
            self.kill()
        names = [commands.get(pid, "started after the signal") for pid in left]
        assert not left, f"still running {timeout} s after Ctrl-C: {names}\n{self.output}"
        return took

    def kill(self) -> None:
        """End every process of it at once (SIGKILL), whatever session it moved to."""
        if self._process is None:
            return
        deadline = time.monotonic() + 5
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        self._process.wait(timeout=5)
        if self._reader is not None:
            self._reader.join(timeout=5)
        guardian.forget(self._process.pid)
        self._process = None

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def processes(self, containing: str = "") -> dict[int, str]:
        """Its living processes whose command line contains a text. Returns: process id → command line."""
        return {pid: command for pid, command in family(self._mark).items() if containing in command}

    def memory(self) -> float:
        """Memory of all its processes in MB, shared pages counted once (PSS; Linux only)."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += sum(int(kb) for kb in re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE))
        return total / 1024

    def __enter__(self) -> "RunningService":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.stop()
        finally:
            self.close()
