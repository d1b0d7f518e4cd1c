"""Steps that the journeys take: writing a letter by keyboard, coming to the desk, looking into the database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from playwright.sync_api import Page

from tests.parts.lint import POSTAL_ADDRESS
from tests.parts.service import RunningService
from tpminstitute.core.config import Settings, load_settings
from tpminstitute.core.db import Database

PHONE = {"width": 390, "height": 844}
PASSWORD = "four unrelated words"
READING_TIME = 2_100
"""Milliseconds; nobody writes a letter within two seconds of opening the page, and who does is a little suspect."""

OPEN_SINCE = "performance.now() - performance.getEntriesByType('navigation')[0].responseEnd"
"""Counted from the page's arrival: it was made before that, but on a busy machine long after it was asked for."""

T = TypeVar("T")


class Started:
    """A running service, and the database it works on."""

    def __init__(self, service: RunningService, environment: dict[str, str]) -> None:
        self.service = service
        self.url = service.url
        fields = {"data_dir": service.data_dir, "public_url": service.url, "bind": f"127.0.0.1:{service.port}"}
        fields |= {"postal_address": POSTAL_ADDRESS}
        self.settings: Settings = load_settings(**fields, **{k.lower(): v for k, v in environment.items()})

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Its database, opened beside it."""
        db = Database(self.settings.database_url)
        try:
            yield db
        finally:
            db.close()


def wait_until(look: Callable[[], T], what: str, timeout: float = 20.0) -> T:
    """Look until there is something, at most `timeout` seconds. Returns: what was seen."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what} did not come within {timeout} s"
        time.sleep(0.05)
    return seen


def press(page: Page, *keys: str) -> None:
    """Press keys once the open page has its scripts: a key that comes before them is nobody's."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def write_letter(page: Page, message: str = "How do I begin?", email: str = "ada@example.org") -> None:
    """Fill in the letter on the open page by keyboard alone, up to its button."""
    page.get_by_label("Your name").focus()
    type_on = page.keyboard.type
    type_on("Ada Lovelace")
    page.keyboard.press("Tab")
    type_on(email)
    page.keyboard.press("Tab")
    type_on("020 7946 0958")
    page.keyboard.press("Tab")
    type_on("Becoming")
    page.keyboard.press("Tab")
    type_on(message)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")


def wait_until_read(page: Page) -> None:
    """Wait until the page is open for as long as a person needs."""
    wait_until(lambda: page.evaluate(OPEN_SINCE) > READING_TIME, "the time to write")


def send(page: Page) -> None:
    """Press Send by keyboard once the page is old enough, and wait for the answer."""
    wait_until_read(page)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def write_from(page: Page, url: str, **letter: Any) -> None:
    """Open the form, write and send a letter, and see the thanks."""
    page.goto(f"{url}/contact")
    write_letter(page, **letter)
    send(page)
    page.wait_for_url("**/thanks/*")


def come_to_the_desk(page: Page, setup_link: str) -> None:
    """Create the first account by the printed link and sign in with it."""
    page.goto(setup_link)
    page.get_by_label("Your name").fill("Alice")
    page.get_by_label("E-mail", exact=True).fill("alice@tpminstitute.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("E-mail", exact=True).fill("alice@tpminstitute.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Inbox").first.click()
    page.wait_for_url("**/staff/inbox")
