"""What an operator's tools ask: alive, ready, and the numbers."""

import pytest
from sqlalchemy import text, update

from app import create_app
from tests.conftest import on_sqlite
from tests.factories import make_settings, submitted
from tests.parts.ports import free_port
from tpminstitute.mail.models import Message, MessageStatus


def report(client):
    """What /readyz answers: the status and the report."""
    answer = client.get("/readyz")
    assert answer.json is not None
    return answer.status_code, answer.json


def test_the_service_is_alive(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "alive"})


def test_a_migrated_database_is_ready(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["database"]) == ("ready", "migrated")


def test_readiness_reports_broker_and_mail_without_asking_for_them(database_url, tmp_path):
    nowhere = free_port()
    options = {"redis_url": f"redis://127.0.0.1:{nowhere}/0", "smtp_url": f"smtp://127.0.0.1:{nowhere}"}
    app = create_app(make_settings(tmp_path, database_url=database_url, **options))
    status, said = report(app.test_client())
    assert (status, said["broker"], said["mail"]) == (200, "redis", "delivered by SMTP")
    app.extensions["tpm"].db.close()


def test_a_database_with_pending_migrations_is_not_ready(db, client):
    with db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["database"]) == (503, "has pending migrations")
    assert client.get("/healthz").status_code == 200


def test_an_empty_database_is_not_ready(tmp_path):
    app = create_app(make_settings(tmp_path))
    assert app.test_client().get("/readyz").status_code == 503
    app.extensions["tpm"].db.close()


def test_a_database_that_is_gone_is_not_ready_and_the_service_alive(tmp_path):
    url = f"postgresql://tpm@127.0.0.1:{free_port()}/gone"
    client = create_app(make_settings(tmp_path, database_url=url)).test_client()
    status, said = report(client)
    assert (status, said["database"]) == (503, "can't be reached")
    assert client.get("/healthz").status_code == 200


def test_a_page_says_plainly_that_the_database_is_gone(tmp_path):
    url = f"postgresql://tpm@127.0.0.1:{free_port()}/gone"
    answer = create_app(make_settings(tmp_path, database_url=url)).test_client().get("/thanks/x")
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.text


def number(client, line):
    (found,) = (row for row in client.get("/metrics").text.splitlines() if row.startswith(line + " "))
    return float(found.rpartition(" ")[2])


def test_the_numbers_count_inquiries_and_mails(db, settings, client):
    submitted(db, settings)
    assert number(client, 'tpm_inquiries{state="open"}') == 1
    assert number(client, 'tpm_mails{state="waiting"}') == 2


@pytest.mark.parametrize("status", [MessageStatus.FAILED, MessageStatus.UNCERTAIN])
def test_the_numbers_count_the_mails_that_need_a_person(db, settings, client, status):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(status=status, reason="So."))
    assert number(client, f'tpm_mails{{state="{status}"}}') == 2


TOKEN = "0123456789abcdefghij"


@on_sqlite
@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_a_visitor_through_a_proxy_gets_no_numbers(client, header):
    answer = client.get("/metrics", headers={header: "127.0.0.1"})
    assert (answer.status_code, "tpm_" in answer.text) == (403, False)


@on_sqlite
def test_a_trusted_proxy_opens_the_numbers_to_nobody(tmp_path, database_url):
    client = create_app(make_settings(tmp_path, database_url=database_url, trusted_proxies=1)).test_client()
    for visitor in ("203.0.113.7", "127.0.0.1"):
        assert client.get("/metrics", headers={"X-Forwarded-For": visitor}).status_code == 403, visitor
    assert client.get("/metrics").status_code == 200


@on_sqlite
@pytest.mark.parametrize("address", ["203.0.113.7", "10.0.0.8", "", "nonsense"])
def test_who_asks_from_another_machine_gets_no_numbers(client, address):
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 403


@on_sqlite
@pytest.mark.parametrize("address", ["127.0.0.1", "203.0.113.7"])
def test_where_a_token_is_set_it_and_nothing_else_opens_the_numbers(tmp_path, database_url, address):
    client = create_app(make_settings(tmp_path, database_url=database_url, metrics_token=TOKEN)).test_client()
    client.environ_base["REMOTE_ADDR"] = address
    for wrong in ("", "Bearer", f"Bearer {TOKEN}x", f"Token {TOKEN}", "Basic x", "Bearer ü"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 403, wrong
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_numbers_name_nobody(db, settings, client):
    submitted(db, settings)
    assert "ada" not in client.get("/metrics").text.lower()
