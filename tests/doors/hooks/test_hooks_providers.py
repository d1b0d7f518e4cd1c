"""Postmark, Mailgun and SendGrid, what each says in its own way."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import select

from tests.doors.hooks.seen import LATIN, MAIL, closed, facts, received
from tests.factories import ADA, count, messages, submitted
from tests.parts import providers
from tests.parts.providers import Mailgun, Postmark, SendGrid
from tests.rooms.post import Post
from tpminstitute.core.jobs import Job
from tpminstitute.inbox.contents import content_of
from tpminstitute.inbox.models import HookEvent
from tpminstitute.inbox.provider_events import GUESSED, KEPT_FOR, tidy_hook_events
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.web.hooks.door import FRESH
from workers.tasks import register

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""How a payload is read is the same on both databases; what it causes is proved on both in test_hooks_all.py."""

HARD = {(ADA, SuppressionReason.HARD_BOUNCE)}
COMPLAINT = {(ADA, SuppressionReason.COMPLAINT)}
LEFT = {(ADA, SuppressionReason.OPT_OUT)}
OPEN: set = set()


@pytest.fixture
def postmark(client):
    """Postmark with the right password."""
    return Postmark(client)


@pytest.fixture
def mailgun(client):
    """Mailgun with the right key."""
    return Mailgun(client)


@pytest.fixture
def sendgrid(client):
    """SendGrid with the right key."""
    return SendGrid(client)


# --- Postmark ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("BadEmailAddress", HARD),
        ("SpamComplaint", COMPLAINT),
        ("Unsubscribe", LEFT),
        ("Transient", OPEN),
        ("DnsError", OPEN),
        ("Blocked", OPEN),
        ("AutoResponder", OPEN),
    ],
)
def test_postmarks_kinds_of_bounce(db, postmark, mailed, kind, expected):
    assert postmark.event("hard", mailed, Type=kind).status_code == 200
    assert closed(db) == expected
    assert (len(facts(db, ActivityKind.MAIL_BOUNCED)) == 0) is (
        kind in {"SpamComplaint", "Unsubscribe", "AutoResponder"}
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"SuppressionReason": "SpamComplaint"}, COMPLAINT),
        ({"SuppressionReason": "HardBounce"}, HARD),
        ({"Origin": "Customer"}, OPEN),
        ({"SuppressSending": False}, OPEN),
    ],
    ids=["a complaint", "a bounce", "by our own people", "opened again"],
)
def test_postmarks_subscription_changes(db, postmark, mailed, fields, expected):
    assert postmark.event("unsubscription", mailed, **fields).status_code == 200
    assert closed(db) == expected


def test_a_postmark_bounce_without_its_content_is_taken_for_the_newest_mail_and_says_so(db, postmark, mailed):
    assert postmark.event("hard", mailed, Content="").json == {"taken": 1}
    assert closed(db) == HARD
    bounced, guessed = facts(db, ActivityKind.MAIL_BOUNCED)
    assert (mailed.subject in bounced, guessed) == (True, GUESSED)


def test_postmark_is_told_to_try_again_when_its_password_is_wrong(client):
    answer = client.post("/hooks/postmark/events", json={})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="hooks"')


@pytest.mark.parametrize("given", ["Bearer x", "Basic", "Basic !!!", "Basic eA==", "Digest username=postmark"])
def test_a_damaged_password_is_a_wrong_one(client, given):
    assert client.post("/hooks/postmark/events", json={}, headers={"Authorization": given}).status_code == 401


@pytest.mark.parametrize("missing", ["RecordType", "Email"])
def test_a_postmark_event_without_a_field_is_refused_in_words(db, postmark, mailed, missing):
    answer = postmark.event("hard", mailed, **{missing: None})
    assert (answer.status_code, missing in answer.json["problem"]) == (400, True)
    assert count(db, HookEvent) == 0


# --- Mailgun -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"severity": "temporary"}, OPEN),
        ({"reason": "suppress-bounce", "delivery-status": {"code": 605}}, HARD),
        ({"reason": "suppress-complaint", "delivery-status": {"code": 607}}, COMPLAINT),
        ({"reason": "suppress-unsubscribe", "delivery-status": {"code": 606}}, LEFT),
        ({"reason": "bounce", "delivery-status": {}}, HARD),
        ({"reason": "old", "delivery-status": {"code": 602}}, OPEN),
        ({"reason": "espblock", "delivery-status": {"code": 550, "bounce-type": "soft"}}, OPEN),
        ({"delivery-status": None, "reason": None}, OPEN),
    ],
)
def test_mailguns_failures(db, mailgun, mailed, fields, expected):
    assert mailgun.event("hard", mailed, **fields).status_code == 200
    assert closed(db) == expected


def test_a_token_counts_once_whatever_is_said_with_it(db, mailgun, mailed):
    signature = mailgun.signature()
    assert mailgun.post(mailgun.payload("soft", mailed), signature).json == {"taken": 1}
    other = mailgun.payload("hard", mailed, id="another", timestamp=1.5)
    assert mailgun.post(other, signature).json == {"repeated": 1}
    assert closed(db) == OPEN
    signature = mailgun.signature()
    assert mailgun.mail(MAIL, [ADA], signature=signature).json == {"taken": 1}
    assert mailgun.mail(MAIL.replace(b"Tuesday", b"Friday"), [ADA], signature=signature).json == {"repeated": 1}
    assert len(received(db)) == 1


def test_an_event_that_mailgun_signs_anew_for_its_retry_counts_once(db, mailgun, mailed):
    assert mailgun.event("soft", mailed).json == {"taken": 1}
    assert mailgun.event("soft", mailed).json == {"repeated": 1}
    assert len(facts(db, ActivityKind.MAIL_BOUNCED)) == 1


def test_the_event_of_a_subaccount_is_signed_by_its_parent(mailgun, mailed):
    signed = mailgun.signature()
    signed["parent-signature"], signed["signature"] = signed["signature"], "0" * 64
    assert mailgun.post(mailgun.payload("soft", mailed), signed).json == {"taken": 1}


@pytest.mark.parametrize("field", ["timestamp", "token", "signature"])
def test_a_signature_without_one_of_its_parts_is_refused(mailgun, mailed, field):
    signed = mailgun.signature()
    del signed[field]
    assert mailgun.post(mailgun.payload("soft", mailed), signed).status_code == 403


@pytest.mark.parametrize("data", [None, [], "x", {}, {"event": 5}, {"event": "complained"}])
def test_a_signed_event_with_nothing_in_it_is_refused_in_words(db, mailgun, data):
    answer = mailgun.post(data)
    assert (answer.status_code, answer.json["problem"][-1]) == (400, ".")
    assert count(db, HookEvent) == 0


def test_a_mail_without_attachments_comes_as_another_kind_of_form(db, mailgun):
    assert mailgun.mail_urlencoded(LATIN, "info@tpminstitute.org").json == {"taken": 1}
    (row,) = received(db)
    with db.read() as session:
        assert content_of(session, row) == LATIN


def test_a_form_of_ten_thousand_fields_is_refused(client):
    kinds = {
        "application/x-www-form-urlencoded": b"&".join(b"a%d=1" % number for number in range(10_000)),
        "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 10_000
        + b"--x--\r\n",
    }
    for kind, body in kinds.items():
        answer = client.post("/hooks/mailgun/inbound/mime", data=body, content_type=kind)
        assert (answer.status_code, "too many fields" in answer.json["problem"]) == (400, True), kind


# --- SendGrid ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event": "deferred"}, OPEN),
        ({"event": "delivered"}, OPEN),
        ({"status": "4.2.2"}, OPEN),
        ({"event": "dropped", "reason": "Bounced Address"}, HARD),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, COMPLAINT),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, LEFT),
        ({"event": "dropped", "reason": "Spam Content (if Spam Checker app enabled)"}, OPEN),
        ({"event": "group_unsubscribe", "asm_group_id": 10}, LEFT),
    ],
)
def test_sendgrids_events(db, sendgrid, mailed, fields, expected):
    assert sendgrid.event("hard", mailed, **fields).status_code == 200
    assert closed(db) == expected


def test_of_a_thousand_events_with_broken_ones_among_them_the_others_take_effect(db, settings, sendgrid):
    addresses = [f"ada{number}@example.org" for number in range(5)]
    for address in addresses:
        submitted(db, settings, email=address)
    mails = {m.recipient: m for m in messages(db) if m.recipient in addresses}
    batch = [
        sendgrid.payload("hard", mails[addresses[n % 5]], sg_event_id=f"event-{n}", event="open" if n > 4 else "bounce")
        for n in range(1_000)
    ]
    batch[500] = "not an event"
    batch[501] = {"event": "bounce"}
    batch[502] = sendgrid.payload(
        "hard", mails[addresses[0]], email="\x00\ud800", **{"smtp-id": "\x00", "reason": "\x00"}
    )
    answer = sendgrid.post(batch)
    assert answer.status_code == 200
    assert [entry["position"] for entry in answer.json["unreadable"]] == [500, 501]
    assert (answer.json["taken"], answer.json["ignored"], answer.json["not_ours"]) == (5, 992, 1)
    assert {address for address, _ in closed(db)} == set(addresses)
    assert sendgrid.post(batch).json["repeated"] == 6


def test_the_same_batch_four_times_at_once_takes_effect_once(app, db, sendgrid, mailed):
    batch = [sendgrid.payload("soft", mailed, sg_event_id=f"event-{n}") for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: SendGrid(app.test_client()).post(batch).json or {}, range(4)))
    assert sum(answer.get("taken", 0) for answer in answers) == 20
    assert len(facts(db, ActivityKind.MAIL_BOUNCED)) == 20


def test_the_time_of_a_signature_is_signed_too(client, sendgrid, mailed):
    sent = json.dumps([sendgrid.payload("hard", mailed)]).encode()
    headers = sendgrid.headers(sent, providers._events_key)
    later = str(int(headers["X-Twilio-Email-Event-Webhook-Timestamp"]) + 1)
    for wrong in (later, "", "x", "1e400"):
        headers["X-Twilio-Email-Event-Webhook-Timestamp"] = wrong
        assert client.post("/hooks/sendgrid/events", data=sent, headers=headers).status_code == 403


def test_inbound_parse_needs_the_secret_and_the_signature(db, client):
    assert SendGrid(client, secret="x" * 20).mail(MAIL, [ADA]).status_code == 404
    assert SendGrid(client, key=providers._events_key).mail(MAIL, [ADA]).status_code == 403
    assert received(db) == []


# --- for all -----------------------------------------------------------------------------------------------


def test_an_old_report_by_address_only_is_about_somebody_elses_mail(db, sendgrid, mailed):
    before = count(db, Activity)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        assert sendgrid.event("hard", mailed, **{"smtp-id": "<other@elsewhere.example>"}).json == {"not_ours": 1}
    assert (closed(db), count(db, Activity)) == (OPEN, before)


def test_an_address_that_only_an_inquiry_waits_for_was_not_written_to(db, settings, sendgrid):
    submitted(db, settings)
    (waiting,) = messages(db, recipient=ADA)
    assert sendgrid.event("hard", waiting, **{"smtp-id": ""}).json == {"not_ours": 1}
    assert closed(db) == OPEN


@pytest.mark.parametrize("report", ["hard", "complaint", "unsubscription"])
def test_what_comes_back_from_the_institutes_own_address_closes_nobodys(db, settings, sendgrid, mailed, report):
    notice = next(m for m in messages(db) if m.recipient == settings.institute_email)
    assert sendgrid.event(report, notice).status_code == 200
    assert closed(db) == OPEN


def test_events_are_remembered_longer_than_a_signature_counts_and_not_forever(db, sendgrid, mailed):
    assert FRESH + timedelta(days=1) < KEPT_FOR
    sendgrid.event("soft", mailed)
    for days, left in ((13, 1), (15, 0)):
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days)), db.write() as session:
            tidy_hook_events(session)
        assert count(db, HookEvent) == left


def test_the_worker_forgets_old_events(db, settings, sendgrid, mailed):
    sendgrid.event("soft", mailed)
    tasks: dict = {}
    celery = SimpleNamespace(task=lambda name: lambda task: tasks.setdefault(name, task))  # Celery's own are global
    register(celery, settings, db, Post())
    with time_machine.travel(datetime.now(UTC) + KEPT_FOR + timedelta(hours=1)):
        tasks[Job.TIDY]()
    assert count(db, HookEvent) == 0


def test_what_is_remembered_of_an_event_tells_nothing_of_it(db, sendgrid, mailed):
    sendgrid.event("soft", mailed)
    with db.read() as session:
        (row,) = session.scalars(select(HookEvent))
    assert (row.provider, len(row.event_key)) == ("sendgrid", 64)
