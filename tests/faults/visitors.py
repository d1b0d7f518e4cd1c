"""Visitors who write to the institute from several browsers while things break, and press Send again as people do."""

import http.client
import re
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BROWSERS = 4
PATIENCE = 30
"""Seconds a browser waits for an answer."""

PAUSE = 0.35
"""Seconds between two letters from one browser, and between a failed try and the next."""

LONGEST = 240
"""Seconds after which a visitor gives up."""


@dataclass
class Letter:
    """One visitor's inquiry and what became of it in the browser."""

    number: int
    thanks: str = ""  # the public id behind the thank-you page: only this counts as a thank-you
    tries: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        """The visitor's address; each letter has one of its own."""
        return f"reader{self.number}@example.org"


class Visitors:
    """Some browsers that go on writing until they are told that it is enough."""

    def __init__(self, url: str, at_least: int, *, at_most: int = 300, agree: bool = False) -> None:
        """Write to the service at `url`, and agree to follow-ups where `agree` says so."""
        self.letters: list[Letter] = []
        self._address = urlsplit(url).netloc
        self._at_least, self._at_most, self._agree = at_least, at_most, agree
        self._enough = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._write_letters, daemon=True) for _ in range(BROWSERS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wait_for_thanks(self, number: int, timeout: float = 60) -> None:
        """Wait until so many have seen a thank-you; raises AssertionError when they don't."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.thanked()) >= number, timeout):
                raise AssertionError(f"only {len(self.thanked())} of {number} thank-yous came in {timeout} s")

    def thanked(self) -> list[Letter]:
        """The letters whose writers have seen a thank-you."""
        return [letter for letter in list(self.letters) if letter.thanks]

    def finish(self) -> None:
        """Let everybody write their last letter to its end, once the least number is reached."""
        self._enough.set()
        for thread in self._threads:
            thread.join(timeout=LONGEST + PATIENCE)

    def _write_letters(self) -> None:
        while (letter := self._next_letter()) is not None:
            self._send(letter)
            with self._changed:
                self._changed.notify_all()
            self._enough.wait(PAUSE)

    def _next_letter(self) -> Letter | None:
        with self._changed:
            number = len(self.letters)
            if number >= self._at_most or (self._enough.is_set() and number >= self._at_least):
                return None
            self.letters.append(Letter(number))
            return self.letters[-1]

    def _send(self, letter: Letter) -> None:
        """Fetch the form once, and send it until a thank-you comes."""
        deadline = time.monotonic() + LONGEST
        token = ""
        while not letter.thanks and time.monotonic() < deadline:
            try:
                token = token or self._token()
                letter.tries += 1
                letter.thanks = self._post(letter, token)
            except (OSError, http.client.HTTPException, _Refused) as problem:
                letter.problems.append(f"{type(problem).__name__}: {problem}"[:200])
                time.sleep(PAUSE)

    def _token(self) -> str:
        status, _, page = self._ask("GET", "/contact")
        found = re.search(r'name="token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="token"', page)
        if status != 200 or found is None:
            raise _Refused(f"GET {status}")
        return found.group(1) or found.group(2)

    def _post(self, letter: Letter, token: str) -> str:
        fields = {
            "token": token,
            "name": f"Reader {letter.number}",
            "email": letter.email,
            "topic": "csm",
            "message": f"How do I begin? This is letter {letter.number}.",
        }
        if self._agree:
            fields["consent"] = "y"
        status, location, _ = self._ask("POST", "/contact", urllib.parse.urlencode(fields))
        path = urlsplit(location).path
        if status != 303 or not path.startswith("/thanks/"):
            raise _Refused(f"POST {status}")
        return path.removeprefix("/thanks/")

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self._address, timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode(errors="replace")
        finally:
            connection.close()


class _Refused(Exception):
    """The service answered, but not with what was asked for."""
