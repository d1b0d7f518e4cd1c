"""The providers' webhooks, what holds for each of them: verified, taken in once, and the same as a report by mail."""

from datetime import timedelta
from sqlite3 import OperationalError
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy import event, select

from app import create_app
from tests.conftest import on_postgresql, on_sqlite
from tests.doors.hooks.seen import LATIN, MAIL, closed, facts, received
from tests.factories import ADA, contact_of, count, make_settings, submitted
from tests.parts import providers
from tests.parts.ports import free_port
from tests.parts.providers import CERTIFICATE_URL, Amazon, Mailgun, Postmark, SendGrid, Ses, certificate
from tests.rooms.post import Post
from tpminstitute.contacts.consent import current
from tpminstitute.contacts.models import ConsentChange
from tpminstitute.inbox.contents import content_of
from tpminstitute.inbox.models import Door, HookEvent
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.web.hooks.certificates import Certificates
from tpminstitute.web.hooks.door import CERTIFICATES

ALL: list[Any] = [Postmark, Mailgun, Ses, SendGrid]
SIGNING = [Mailgun, Ses, SendGrid]


@pytest.fixture(params=ALL, ids=[kind.name for kind in ALL])
def provider(request, client):
    """Each provider in turn, with the right keys."""
    return request.param(client)


def run_of(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


# --- what became of our mails ------------------------------------------------------------------------------


def test_a_hard_bounce_closes_the_address_and_stops_the_follow_ups(db, settings, provider, mailed):
    answer = provider.event("hard", mailed)
    assert (answer.status_code, answer.json) == (200, {"taken": 1})
    assert closed(db) == {(ADA, SuppressionReason.HARD_BOUNCE)}
    assert run_of(db).status is EnrollmentStatus.STOPPED
    (bounced,) = facts(db, ActivityKind.MAIL_BOUNCED)
    assert mailed.subject in bounced
    assert "The account does not exist" in bounced
    submitted(db, settings, consents=True)
    post = Post()
    deliver(db, post, settings)
    assert ADA not in post.recipients


@on_sqlite
def test_a_soft_bounce_is_recorded_and_closes_nothing(db, provider, mailed):
    assert provider.event("soft", mailed).json == {"taken": 1}
    assert len(facts(db, ActivityKind.MAIL_BOUNCED)) == 1
    assert closed(db) == set()
    assert run_of(db).status is EnrollmentStatus.ACTIVE


@on_sqlite
def test_a_complaint_closes_the_address_and_stops_the_follow_ups(db, provider, mailed):
    assert provider.event("complaint", mailed).json == {"taken": 1}
    assert closed(db) == {(ADA, SuppressionReason.COMPLAINT)}
    assert run_of(db).status is EnrollmentStatus.STOPPED
    assert len(facts(db, ActivityKind.MAIL_COMPLAINED_OF)) == 1


@on_sqlite
def test_an_unsubscription_at_the_provider_is_one_here(db, provider, mailed):
    assert provider.event("unsubscription", mailed).json == {"taken": 1}
    assert closed(db) == {(ADA, SuppressionReason.OPT_OUT)}
    assert run_of(db).status is EnrollmentStatus.STOPPED
    with db.read() as session:
        newest = current(session, contact_of(db).id)
    assert newest is not None
    assert newest.change is ConsentChange.WITHDRAWN


@pytest.mark.parametrize("report", ["hard", "soft", "complaint", "unsubscription"])
def test_the_same_event_a_second_time_has_no_effect_and_is_answered_well(db, client, mailed, report):
    for kind in ALL:
        provider = kind(client)
        sent = _same_request(provider, report, mailed)
        assert sent().json == {"taken": 1}
        before = count(db, Activity)
        assert (sent().status_code, sent().json) == (200, {"repeated": 1})
        assert count(db, Activity) == before


def _same_request(provider, report, message):
    """The request that reports a mail, to be sent more than once as it is."""
    if isinstance(provider, Mailgun):
        signature = provider.signature()
        return lambda: provider.post(provider.payload(report, message), signature)
    if isinstance(provider, Ses):
        envelope = provider.envelope(provider.payload(report, message))
        return lambda: provider.post(envelope)
    return lambda: provider.event(report, message)


@on_sqlite
def test_an_event_about_somebody_elses_mail_changes_nothing(db, provider, mailed):
    mailed.recipient, mailed.message_id = "charlie@example.net", "<other@elsewhere.example>"
    before = count(db, Activity)
    answer = provider.event("hard", mailed)
    assert (answer.status_code, answer.json) == (200, {"not_ours": 1})
    assert (closed(db), count(db, Activity)) == (set(), before)


@on_sqlite
def test_a_made_up_kind_of_event_with_a_genuine_signature_is_answered_and_changes_nothing(db, provider, mailed):
    made_up = {"event": "teleported", "RecordType": "Teleport", "notificationType": "Teleport"}
    before = count(db, Activity)
    answer = provider.event("hard", mailed, **made_up)
    assert (answer.status_code, answer.json) == (200, {"ignored": 1})
    assert count(db, Activity) == before


# --- mails that came in ------------------------------------------------------------------------------------


def test_a_mail_is_kept_as_it_came_with_the_address_it_was_delivered_to(db, provider):
    answer = provider.mail(MAIL, ["answers@in.tpminstitute.org"])
    assert (answer.status_code, answer.json) == (200, {"taken": 1})
    (row,) = received(db)
    with db.read() as session:
        assert content_of(session, row) == MAIL
    assert (row.door, row.sender_email, row.subject) == (Door.WEBHOOK, ADA, "Tuesday")
    assert "answers@in.tpminstitute.org" in row.recipients


@pytest.mark.parametrize("kind", SIGNING)
def test_the_octets_of_a_mail_stay_whatever_its_encoding(db, client, kind):
    assert kind(client).mail(LATIN, ["info@tpminstitute.org"]).status_code == 200
    (row,) = received(db)
    with db.read() as session:
        assert content_of(session, row) == LATIN
    assert "café" in row.text


def test_a_mail_that_is_brought_twice_is_stored_once(db, provider):
    provider.mail(MAIL, ["info@tpminstitute.org"])
    answer = provider.mail(MAIL, ["info@tpminstitute.org"])
    assert (answer.status_code, answer.json) == (200, {"repeated": 1})
    assert len(received(db)) == 1


@on_sqlite
def test_a_reply_that_a_provider_brings_stops_the_follow_ups(db, provider, mailed):
    provider.mail(
        MAIL.replace(b"Subject", b"In-Reply-To: %b\r\nSubject" % mailed.message_id.encode()), ["info@tpminstitute.org"]
    )
    assert run_of(db).status is EnrollmentStatus.STOPPED


@on_sqlite
def test_a_mail_without_its_bytes_is_refused_with_the_box_to_tick(db, provider):
    answer = provider.mail(MAIL, ["info@tpminstitute.org"], raw=False)
    assert answer.status_code == 422
    assert "holds no raw mail" in answer.json["problem"]
    assert provider.name in answer.json["problem"].lower()
    assert (received(db), count(db, HookEvent)) == ([], 0)


# --- who may speak -----------------------------------------------------------------------------------------


def forgers(client):
    return {
        "postmark": Postmark(client, password="a wrong password of twenty"),
        "postmark's user": Postmark(client, user="charlie"),
        "mailgun": Mailgun(client, key="another key"),
        "ses": Ses(client, key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "sendgrid": SendGrid(client, key=ec.generate_private_key(ec.SECP256R1())),
    }


@on_sqlite
@pytest.mark.parametrize("name", ["postmark", "postmark's user", "mailgun", "ses", "sendgrid"])
def test_whoever_signs_with_another_key_is_refused_and_changes_nothing(db, client, mailed, name, capsys):
    charlie = forgers(client)[name]
    before = count(db, Activity)
    answers = [charlie.event("hard", mailed), charlie.mail(MAIL, ["info@tpminstitute.org"])]
    assert [answer.status_code for answer in answers] == [401 if "postmark" in name else 403] * 2
    assert (count(db, Activity), count(db, HookEvent), received(db)) == (before, 0, [])
    logged = capsys.readouterr().out
    assert "hook_refused" in logged
    assert ADA not in logged
    assert "Tuesday" not in logged


@on_sqlite
@pytest.mark.parametrize("age", [timedelta(hours=74), timedelta(minutes=-11)], ids=["old", "from the future"])
@pytest.mark.parametrize("kind", SIGNING)
def test_a_signature_out_of_its_time_is_refused(db, client, mailed, kind, age):
    answers = [kind(client, age=age).event("hard", mailed), kind(client, age=age).mail(MAIL, [ADA])]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert (closed(db), received(db), count(db, HookEvent)) == (set(), [], 0)


@on_sqlite
@pytest.mark.parametrize("kind", SIGNING)
def test_a_retry_a_day_later_with_the_first_signature_is_taken(client, mailed, kind):
    assert kind(client, age=timedelta(hours=24)).event("hard", mailed).json == {"taken": 1}


@on_sqlite
def test_a_provider_that_is_not_set_up_has_no_address(tmp_path, database_url, mailed):
    app = create_app(make_settings(tmp_path, database_url=database_url))
    for kind in ALL:
        provider = kind(app.test_client())
        assert provider.event("hard", mailed).status_code == 404
        assert provider.mail(MAIL, ["info@tpminstitute.org"]).status_code == 404
    app.extensions["tpm"].db.close()


@on_sqlite
def test_no_answer_sets_a_cookie_and_no_form_token_is_asked_for(app, mailed):
    client = app.test_client(use_cookies=False)
    for kind in ALL:
        answer = kind(client).event("soft", mailed)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers


# --- when something is wrong -------------------------------------------------------------------------------


@on_sqlite
def test_more_than_forty_megabytes_is_refused_and_more_than_the_other_pages_take_is_not(client):
    largest = 40 * 1024 * 1024
    for size, status in ((largest + 1, 413), (13 * 1024 * 1024, 403)):
        answer = client.post("/hooks/sendgrid/events", data=b"x" * size, content_type="application/json")
        assert (answer.status_code, "problem" in answer.json) == (status, True)


@on_sqlite
def test_a_mail_of_25_megabytes_comes_in_whole(db, provider):
    expect_taken_whole(db, provider)


@on_postgresql
def test_postgresql_keeps_so_large_a_mail_as_well(db, client):
    expect_taken_whole(db, Mailgun(client))


def expect_taken_whole(db, provider):
    content = MAIL + b"All work and no play makes Jack a dull boy.\r\n" * (25 * 1024 * 1024 // 45 - 20)
    assert provider.mail(content, ["info@tpminstitute.org"]).json == {"taken": 1}
    (row,) = received(db)
    with db.read() as session:
        assert content_of(session, row) == content


@pytest.fixture
def gone(tmp_path):
    """The application with a database that can't be reached."""
    url = f"postgresql://tpm@127.0.0.1:{free_port()}/gone"
    app = create_app(make_settings(tmp_path / "gone", database_url=url, **providers.SETTINGS))
    app.extensions[CERTIFICATES] = Certificates(Amazon(pages={CERTIFICATE_URL: certificate()}).fetch)
    return app.test_client()


@on_sqlite
@pytest.mark.parametrize("kind", ALL)
def test_while_the_database_is_gone_the_provider_is_asked_to_try_again(gone, mailed, kind):
    answers = [kind(gone).event("hard", mailed), kind(gone).mail(MAIL, ["info@tpminstitute.org"])]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "try again" in answers[0].json["problem"]


def test_an_event_whose_transaction_breaks_is_not_remembered_and_takes_effect_the_next_time(app, db, client, mailed):
    engine = app.extensions["tpm"].db.engine
    provider = SendGrid(client)

    def break_down(conn, cursor, statement, *rest):
        if "INTO suppressions" in statement:
            raise OperationalError("disk I/O error")

    event.listen(engine, "before_cursor_execute", break_down)
    try:
        assert provider.event("hard", mailed).status_code >= 500
    finally:
        event.remove(engine, "before_cursor_execute", break_down)
    assert (closed(db), count(db, HookEvent)) == (set(), 0)
    assert provider.event("hard", mailed).json == {"taken": 1}
    assert closed(db) == {(ADA, SuppressionReason.HARD_BOUNCE)}


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"{}", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"signature": 1}', b"\x00" * 9],
    ids=range(11),
)
def test_what_is_no_delivery_at_all_is_refused_in_words(client, body):
    paths = ["postmark/inbound", "postmark/events", "mailgun/inbound/mime", "mailgun/events", "ses", "sendgrid/events"]
    for path in [*paths, f"sendgrid/inbound/{providers.INBOUND_SECRET}"]:
        for kind in ("application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""):
            answer = client.post(f"/hooks/{path}", data=body, content_type=kind)
            assert answer.status_code in (400, 401, 403), (path, kind)
            assert answer.json["problem"].endswith(".")
