"""Who comes to the doors: a visitor with a letter, and somebody at the staff desk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.doors.html import Element, read
from tests.factories import ADA

LETTER = {
    "name": "Ada Lovelace",
    "email": ADA,
    "phone": "",
    "topic": "becoming_a_tpm",
    "message": "How do I begin?",
}


class Visitor:
    """Somebody who opens the form, takes a minute over it, and sends it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open_form(self, page: str = "/contact", ago: float = 60, **headers: str) -> str:
        """Open the form `ago` seconds ago. Returns: the token it carries."""
        with time_machine.travel(datetime.now(UTC) - timedelta(seconds=ago)):
            answer = self.client.get(page, headers={name.replace("_", "-"): text for name, text in headers.items()})
        return read(answer.text).first("form", class_="letter").fields["token"]

    def send(self, token: Any = None, headers: Any = None, **fields: Any) -> TestResponse:
        """Send the letter with some fields changed, those that are None left out; with a form of its own by default."""
        values = LETTER | {"token": self.open_form() if token is None else token} | fields
        return self.client.post(
            "/contact", data={name: text for name, text in values.items() if text is not None}, headers=headers
        )


class Desk:
    """A browser at the staff desk, which presses the buttons that it sees."""

    def __init__(self, client: FlaskClient, token: str = "") -> None:
        """Parameters: `token`, the one that forms of the desk carry, for posts that no button makes."""
        self.client, self.token = client, token

    def page(self, address: str) -> Element:
        """Open a page, which must be there."""
        answer = self.client.get(address)
        assert answer.status_code == 200, answer.status
        found = read(answer.text)
        found.attrs["address"] = address
        return found

    def press(self, label: str, on: Element, /, **fields: str) -> TestResponse:
        """Fill in `fields` and press the first button that says `label` (or begins so)."""
        button = next(b for b in on.all("button") if b.words.startswith(label))
        form = next(parent for parent in reversed(button.parents) if parent.tag == "form")
        said = {button["name"]: button["value"]} if button["name"] else {}
        address = button["formaction"] or form["action"] or form.parents[0]["address"]
        return self.client.post(address, data=form.fields | said | fields)

    def sign_in(self, email: str, password: str) -> TestResponse:
        """Sign in by the page."""
        return self.press("Sign in", self.page("/staff/sign-in"), email=email, password=password)

    @property
    def cookie(self) -> str | None:
        """The secret in the desk's cookie."""
        cookie = self.client.get_cookie("tpm_staff", path="/staff")
        return cookie.value if cookie else None


def labels(page: Element) -> list[str]:
    """The buttons of a page, without their keys."""
    return [" ".join(b.text.split()[: -len(b.all("kbd")) or None]) for b in page.all("button")]
