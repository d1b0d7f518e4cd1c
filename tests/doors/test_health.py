"""What an operator's tools ask: alive, ready, and the numbers."""

import pytest
from sqlalchemy import text, update

from app import create_app
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


def test_the_numbers_name_nobody(db, settings, client):
    submitted(db, settings)
    assert "ada" not in client.get("/metrics").text.lower()
