"""Axe finds nothing in any page that can be walked to, on a desk in light and on a phone in dark."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

from app import create_app
from tests.factories import an_account, contact_of, make_settings, submitted
from tests.rooms.brought import Importer
from tests.rooms.came import a_mail, came
from tests.rooms.commented import CHAPTER, commented
from tests.rooms.courses_kept import a_date, joins, said_full
from tpminstitute.accounts.invitations import invite, secret_of
from tpminstitute.accounts.models import Account, Role
from tpminstitute.accounts.resets import make_reset
from tpminstitute.accounts.service import save_session
from tpminstitute.comments.links import decision_url, own_token, publication_url, stop_url
from tpminstitute.comments.models import Comment, CommentWriter, PublishedAnswer
from tpminstitute.comments.publishing import Draft, ask_consent, publish_with_consent
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.own_links import own_url
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.exchange.models import Import
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.models import Inquiry
from tpminstitute.lists import bulk
from tpminstitute.lists.bulk_queries import Whom, preview
from tpminstitute.lists.bulk_ways import Doing
from tpminstitute.lists.filters import Chosen
from tpminstitute.lists.models import BulkKind
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.merging.choices import Choices
from tpminstitute.merging.duplicates import compare_waiting
from tpminstitute.merging.service import merge
from tpminstitute.own_page.addresses import ask_for_address, proof_url
from tpminstitute.own_page.erasing import ask_to_be_erased, stay_url
from tpminstitute.own_page.writers import Writer, ask_to_be_forgotten, newest_writer, open_writer, writer_url
from tpminstitute.own_page.writers import stay_url as keep_url
from tpminstitute.pipeline.reminders import Wanted, remind
from tpminstitute.privacy.models import AddressWish, WriterErasure
from tpminstitute.sequences.mails import unsubscribe_url
from tpminstitute.sequences.pauses import ask_first
from tpminstitute.sequences.runner import run_due
from tpminstitute.web.staff.coming_in import HALF_IN_AT
from tpminstitute.web.staff.freshness import GIVEN_AT
from tpminstitute.web.staff.sessions import HALF_IN

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
NO_PAGES = {
    "static",
    "site.alive",
    "site.back_to_pathway",
    "site.calendar_feed",
    "site.course_calendar",
    "site.courses_calendar",
    "site.feed",
    "site.go",
    "site.guide_epub",
    "site.guide_pdf",
    "site.metrics",
    "site.picture",
    "site.ready",
    "site.robots",
    "site.security",
    "site.sitemap",
    "site.spelling",
    "staff.attachment",
    "staff.import_problems",
    "staff.import_progress",
    "staff.mail_as_html",
    "staff.mail_as_it_came",
    "staff.offered_tags",
    "staff.preview_draft",
    "staff.preview_letter",
    "staff.report_sheet",
    "staff.reports",
    "staff.simulated_mail",
    "staff.today_list",
}
"""What a GET answers with something that is no page: files, numbers, mails in their frame, the way to another page."""

GOES_OUT = "look=1"
"""The doctor would ask name servers."""

SHEET = "Name,Email,Phone,Stage\nGrace,grace@example.org,+1 215 430 2201,Qualified\nCharlie,charlie@,12,New\n"
"""A file to import, with a row that can't be taken and a stage that there is not."""

BEFORE_SIGNING_IN = {
    "security.login",
    "staff.choose_password",
    "staff.forgotten",
    "staff.second_step",
    "staff.setup_first_account",
}
"""Pages of the desk that are looked at with the public ones."""


LED_TO_BY_FORMS = {
    "staff.ask_to_change_tag",
    "staff.bulk_action",
    "staff.choose_bulk",
    "staff.choose_export",
    "staff.confirm_password",
    "staff.new_contact",
    "staff.one_import",
    "staff.search",
}
"""Pages of the desk that a form leads to, and hardly any link: they are looked at by themselves."""


@pytest.fixture
def served(tmp_path: Any, sqlite_url: str) -> Iterator[tuple[Flask, str]]:
    """The application with something on every page, on an address of this machine."""
    settings = make_settings(tmp_path, database_url=sqlite_url, reply_address="info@tpminstitute.org")
    fill(settings)
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fill(settings: Settings) -> None:
    """Let somebody have written, by the form and by mail, once as a spammer would, and a follow-up wait for a word."""
    db = Database(settings.database_url)
    submitted(db, settings, consents=True, phone=("020 7946 0958", "+442079460958"))
    submitted(db, settings, email="bob@example.org", name="Bob " + "Brown" * 15, message="Long " * 1000)
    submitted(db, settings, email="eve@example.org", suspicions=["The form was filled within two seconds."])
    mail = a_mail(sender="Grace <grace@example.org>", subject="A question")
    mail.add_alternative("<h1>Hello</h1><p>How do I <a href='https://example.org'>begin</a>?</p>", subtype="html")
    came(db, settings, mail)
    came(db, settings, a_mail(sender="bob@example.org"))
    for address in ("bob+work@example.org", "dan@example.org", "dan+work@example.org"):
        submitted(db, settings, email=address, name="Dan Brown")
    compare_waiting(db)
    with db.write() as session:
        carol = an_account(session, "Carol").id
        dan, other = (contact_of(db, address).id for address in ("dan@example.org", "dan+work@example.org"))
        merge(session, dan, other, Choices(), carol)
        ask_first(session, settings, contact_of(db).id, "Bob wrote to them.")
        suppress(session, "charlie@example.org", SuppressionReason.OPT_OUT)
        soon = Wanted(carol, clock.now() + timedelta(minutes=1), "Call them")
        remind(session, settings, contact_of(db, "bob@example.org").id, soon, carol)
    full = a_date(db, 1, carol, f"{clock.now().year + 1}-05-03T09:00", place="Philadelphia", cost="free")
    said_full(db, settings, full, carol)
    joins(db, settings, 1)
    with time_machine.travel(clock.now() + timedelta(days=5)):
        run_due(db, settings)
    talk(db, settings, contact_of(db, "bob@example.org").id)
    db.close()


def talk(db: Database, settings: Settings, contact_id: int) -> None:
    """Let comments wait, be public and answered, and an answer to somebody be published."""
    top = commented(db, settings, email="ada@example.org", wants_answers=True, published=True)
    commented(db, settings, answers=top.public_id, published=True, body="> *Yes*\n\n- `a`\n- [b](https://example.org)")
    commented(db, settings, suspicions=["The message holds 9 web addresses."])
    commented(db, settings)
    draft = Draft("a" * 20, CHAPTER, "Where do I begin?", "Watch one project.")
    with db.write() as session:
        contact, by = locked(session, contact_id), session.get_one(Account, 1)
        ask_consent(session, settings, contact, by, draft, None)
        publish_with_consent(session, contact, by, replace(draft, key="b" * 20), "On the phone", None)
        reply(session, settings, contact, Answer("key", "Watch one project.", by))
        sent = {"status": MessageStatus.SENT, "sent_at": clock.now()}
        session.execute(update(Message).where(Message.kind == MessageKind.REPLY).values(sent))


def from_mails_about_comments(db: Database, settings: Settings) -> list[str]:
    """Where the links in mails about comments lead, and the page after sending one."""
    with db.read() as session:
        writer, waiting = session.scalars(select(CommentWriter)).one(), session.scalars(select(Comment)).all()[-1]
        asked = session.scalars(select(PublishedAnswer)).first()
        assert asked is not None
        urls = [
            stop_url(settings, writer),
            decision_url(settings, waiting, clock.now()),
            publication_url(settings, asked),
        ]
        return [*(urlsplit(url).path for url in urls), f"/comments/mine/{own_token(settings, waiting.public_id)}"]


def signed_in(app: Flask, page: Page, url: str) -> None:
    """Give the browser a session of Alice, who is an administrator and gave her password just now."""
    db: Database = app.extensions["tpm"].db
    with db.write() as session:
        alice = an_account(session, role=Role.ADMINISTRATOR)
        data = {"_user_id": alice.fs_uniquifier, "_fresh": True, GIVEN_AT: clock.now().timestamp()}
        with_session(session, page, url, data, alice.fs_uniquifier)


def half_signed_in(app: Flask, page: Page, url: str) -> None:
    """Give the browser a session of Grace, who gave her password and has yet to show her second step."""
    db: Database = app.extensions["tpm"].db
    with db.write() as session:
        grace = an_account(session, "Grace")
        data = {HALF_IN: grace.fs_uniquifier, HALF_IN_AT: clock.now().timestamp()}
        with_session(session, page, url, data, None)


def with_session(session: Session, page: Page, url: str, data: dict[str, Any], owner: str | None) -> None:
    """Give the browser a session of the desk that holds `data`."""
    secret = tokens.secret()
    until = clock.now() + timedelta(hours=1)
    save_session(session, secret, data | {"csrf_token": "a" * 40}, owner=owner, until=until)
    page.context.add_cookies([{"name": "tpm_staff", "value": secret, "url": f"{url}/staff"}])


def filled_by_alice(settings: Settings, db: Database) -> list[str]:
    """Let Alice bring files and tag everybody; returns the pages that only a form leads to."""
    importer = Importer(db, settings)
    imports = [importer.bring(SHEET), importer.check(SHEET), importer.run(SHEET).id]
    with db.write() as session:
        everybody = Whom(Chosen(settings.institute_zone))
        doing, alice = Doing(BulkKind.TAG, "newcomers"), importer.account_id
        number = preview(session, everybody, doing).meant.number
        bulk.begin(session, alice, everybody, doing, "All contacts.", number)
        brought = session.scalars(select(Import.public_id).where(Import.id.in_(imports))).all()
    many = "/staff/contacts/bulk?whom=all"
    return [
        *(f"/staff/imports/{public_id}" for public_id in brought),
        "/staff/bulk/1",
        f"{many}&do=tag&to_tag=people",
        f"{many}&do=move&to_move=3",
        f"{many}&do=move&to_move=4",
        "/staff/contacts/export",
        "/staff/contacts/new",
        "/staff/search?q=question",
        "/staff/search?q=nobody+has+said+this",
        "/staff/confirm?next=/staff/",
        "/staff/settings/tags/change?tag=newcomers",
        "/staff/settings/tags/change?tag=newcomers&do=remove",
    ]


def endpoint_of(app: Flask, address: str) -> str | None:
    """Return what answers a GET of `address`, or None when nothing of ours does."""
    parts = urlsplit(address)
    try:
        return str(app.url_map.bind("localhost").match(parts.path, "GET")[0])
    except HTTPException:
        return None


def walked(app: Flask, page: Page, url: str, under: str, begin: list[str]) -> dict[str, list[str]]:
    """Walk from page to page below `under` by their links. Returns: what is wrong with each, [] if nothing is."""
    found: dict[str, list[str]] = {}
    ahead = [urljoin(url, address) for address in begin]
    while ahead:
        address = ahead.pop(0).partition("#")[0]
        endpoint = endpoint_of(app, address)
        if not address.startswith(f"{url}{under}") or address in found or endpoint is None or endpoint in NO_PAGES:
            continue
        if GOES_OUT in address:
            continue
        if endpoint in {endpoint_of(app, one) for one in found}:  # more of the same kind would say the same
            continue
        found[address] = complaints(page, address)
        ahead += page.eval_on_selector_all("a[href]:not([download])", "links => links.map(link => link.href)")
    return found


def complaints(page: Page, address: str) -> list[str]:
    """Open a page; return what axe finds on a desk in light and on a phone in dark."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    answer = page.goto(address)
    assert answer is not None
    if answer.status != 200:
        return [f"answers {answer.status}"]
    if page.url != address:
        return [f"leads to {page.url}"]
    page.evaluate(AXE_SCRIPT)  # once for both looks: reading it takes longer than many a look
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return found + violations(page) + ([f"is {wide} px wide on a phone"] if wide > PHONE["width"] else [])


def violations(page: Page) -> list[str]:
    results = page.evaluate("rules => axe.run(rules).then(({ violations }) => violations)", RULES)
    return [f"{one['id']}: {node['target']} {node['html'][:200]}" for one in results for node in one["nodes"][:3]]


def complained(found: dict[str, list[str]]) -> list[str]:
    """Return each complaint with the first page that has it."""
    first: dict[str, str] = {}
    for address, what in found.items():
        for one in what:
            first.setdefault(one, urlsplit(address).path)
    return [f"{address}: {one}" for one, address in first.items()]


def unwalked(app: Flask, found: dict[str, list[str]], under: str) -> set[str]:
    """Return the pages below `under` that no link led to."""
    seen = {endpoint_of(app, address) for address in found}
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/staff") == (under == "/staff")
    }
    return pages - seen - NO_PAGES


def pages_about_oneself(db: Database, settings: Settings) -> list[str]:
    """The pages that mails about one's own data lead to: Ada's, and Grace's who only commented."""
    ada = contact_of(db)
    commented(db, settings, email="grace@example.org")
    with db.write() as session:
        ask_for_address(session, settings, locked(session, ada.id), read_email("new@example.org"))
        proof = proof_url(settings, session.get_one(AddressWish, ada.id))
        writer = newest_writer(session, "grace@example.org")
        assert writer
        comments = writer_url(settings, writer)
        found = open_writer(session, settings, comments.rpartition("/")[2])
        assert isinstance(found, Writer)
        ask_to_be_forgotten(session, settings, found)
        stays = keep_url(settings, session.scalars(select(WriterErasure)).one())
    own = own_url(settings, ada.public_id, asked_for=True)
    return [*(urlsplit(one).path for one in (own, proof, comments, stays)), "/me/address?state=moved"]


def test_every_public_page_is_accessible(served, browser_page):
    app, url = served
    service = app.extensions["tpm"]
    with service.db.write() as session:
        thanks = f"/thanks/{session.scalars(select(Inquiry.public_id)).first()}"
        key = service.settings.secret_key
        invitation = invite(session, key, "grace@tpminstitute.org", Role.ADVISOR, None)
        setup = f"/staff/setup/{secret_of(key, invitation)}"
        anew = f"/staff/new-password/{make_reset(session, an_account(session).id)[1]}"
    leave = urlsplit(unsubscribe_url(service.settings, contact_of(service.db))).path
    with service.db.write() as session:
        wish = ask_to_be_erased(session, service.settings, contact_of(service.db, "dan@example.org"))
    stay = urlsplit(stay_url(service.settings, wish)).path
    half_signed_in(app, browser_page, url)
    pathway = "/pathway/1-0000-a1d1e4h3"
    begin = ["/", "/contact", pathway, thanks, leave, "/staff/sign-in", setup, anew, "/staff/forgotten"]
    begin += [f"/comments/{CHAPTER}", *from_mails_about_comments(service.db, service.settings)]
    begin += ["/staff/second-step", "/me", stay, *pages_about_oneself(service.db, service.settings)]
    found = walked(app, browser_page, url, "/", begin)
    assert complained(found) == []
    assert unwalked(app, found, "/") == set()
    assert BEFORE_SIGNING_IN & unwalked(app, found, "/staff") == set()


def test_every_page_of_the_desk_that_a_link_leads_to_is_accessible(served, browser_page):
    app, url = served
    service = app.extensions["tpm"]
    contact = contact_of(service.db, "bob@example.org")
    signed_in(app, browser_page, url)
    begin = [
        "/staff/",
        f"/staff/contacts/{contact.public_id}",
        "/staff/drafts/1",
        "/staff/reminders?show=all",
        "/staff/parts",
        "/staff/inbox?show=suspected",
        "/staff/merges/1",
        "/staff/reports/inquiries",
    ]
    found = walked(app, browser_page, url, "/staff", begin)
    assert complained(found) == []
    assert unwalked(app, found, "/staff") - LED_TO_BY_FORMS == BEFORE_SIGNING_IN


def test_every_page_of_the_desk_that_only_a_form_leads_to_is_accessible(served, browser_page):
    app, url = served
    service = app.extensions["tpm"]
    signed_in(app, browser_page, url)
    addresses = [urljoin(url, path) for path in filled_by_alice(service.settings, service.db)]
    assert complained({address: complaints(browser_page, address) for address in addresses}) == []
    assert {endpoint_of(app, address) for address in addresses} == LED_TO_BY_FORMS
