"""Headless Chromium, the system's own, that reaches nothing but this machine."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from tests.parts.install import find_chromium

ARGUMENTS = [
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Every other host fails to resolve, so even a prefetch gets nowhere; requests are recorded as well.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
HOME = {"127.0.0.1", "localhost"}
PATIENCE = 15_000
"""Milliseconds for a step, and for what is to be seen after it, on a machine that is busy with other tests."""

expect.set_options(timeout=PATIENCE)


@dataclass
class Complaints:
    """What went wrong in one context while nobody looked."""

    foreign: list[str] = field(default_factory=list)  # addresses of requests to other hosts
    errors: list[str] = field(default_factory=list)  # script errors and broken content security policy

    def note_request(self, request: Request) -> None:
        """Record a request to another host."""
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in HOME:
            self.foreign.append(request.url)

    def note_console(self, message: ConsoleMessage) -> None:
        """Record a violation of the content security policy; a 4xx page is no error."""
        if message.type == "error" and "Content Security Policy" in message.text:
            self.errors.append(message.text)

    def note_error(self, page_error: Error) -> None:
        """Record an uncaught script error; a cross-fade that a quick next step cut short is none."""
        if not str(page_error).startswith("Transition was"):
            self.errors.append(str(page_error))

    def check(self) -> None:
        """Raises: AssertionError when there is anything to complain about."""
        assert not self.foreign, f"requests to other hosts: {self.foreign}"
        assert not self.errors, f"errors in the page: {self.errors}"


class SystemBrowser:
    """One Chromium process; contexts are cheap, so each test gets a new one."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> "SystemBrowser":
        """Start it. Raises: RuntimeError when there is no Chromium."""
        program = find_chromium()
        if program is None:
            raise RuntimeError("Chromium is not on this machine")
        playwright = self._stack.enter_context(sync_playwright())
        self._browser = playwright.chromium.launch(
            executable_path=str(program), headless=True, chromium_sandbox=False, args=ARGUMENTS
        )
        self._stack.callback(self._browser.close)
        return self

    def new_context(self, **options: Any) -> tuple[BrowserContext, Complaints]:
        """A fresh profile. Parameters: those of Playwright's `new_context`.

        Its reader likes no motion, or the cross-fades take a third of Chromium's processor time (nothing is drawn by a
        graphics card here); `reduced_motion="no-preference"` is for a test of what moves.
        """
        options.setdefault("viewport", {"width": 1280, "height": 800})
        options.setdefault("locale", "en-US")
        options.setdefault("reduced_motion", "reduce")
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        complaints = Complaints()
        context.on("request", complaints.note_request)
        context.on("console", complaints.note_console)
        context.on("weberror", lambda web_error: complaints.note_error(web_error.error))
        return context, complaints

    def new_page(self, **options: Any) -> tuple[Page, Complaints]:
        """A page in a fresh profile; close it by `page.context.close()`."""
        context, complaints = self.new_context(**options)
        return context.new_page(), complaints

    def close(self) -> None:
        """End it."""
        self._stack.close()

    def __enter__(self) -> "SystemBrowser":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
