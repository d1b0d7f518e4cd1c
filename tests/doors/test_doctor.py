"""`tpm doctor` on the command line, and the same on the desk's page."""

import json
from datetime import timedelta

import pytest

from tests.conftest import on_sqlite
from tests.factories import make_settings
from tests.parts.ports import free_port
from tests.parts.tls import Site
from tpminstitute.accounts.models import Role
from tpminstitute.cli import main
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.core.heartbeat import Heartbeat, Pulse
from tpminstitute.mail.control import hold


@pytest.fixture
def environment(tmp_path, sqlite_url, monkeypatch):
    """The variables of a service that mail_server, a web server and a worker's sign of life make complete."""
    port = free_port(also=25)
    values = {"DATA_DIR": str(tmp_path / "var"), "DATABASE_URL": sqlite_url, "BIND": f"127.0.0.1:{port}"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def beat_now(url):
    db = Database(url)
    with db.write() as session:
        session.add_all(Heartbeat(pulse=pulse, at=clock.now() - timedelta(seconds=5)) for pulse in Pulse)
    db.close()


def test_the_command_says_what_is_wrong_and_what_to_type(environment, capsys):
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    worker = next(number for number, line in enumerate(lines) if line.startswith("wrong    Worker"))
    assert "→ Start it: `tpm run`" in lines[worker + 1]
    assert lines[-1].startswith("3 things are wrong")


def test_the_command_ends_with_0_when_nobody_has_to_do_anything(environment, sqlite_url, capsys, mail_server):
    beat_now(sqlite_url)
    environment.setattr("tpminstitute.core.config.Settings.mail_server_url", mail_server.url)
    with Site(body=b'{"status": "alive"}') as site:
        environment.setenv("PUBLIC_URL", site.url)
        assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("Everything looked at is in order.\n")
    assert mail_server.mails == []


def test_the_command_writes_json_for_tools(environment, capsys):
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["healthy"] is False
    assert {"subject", "outcome", "says", "do"} == set(told["findings"][0])
    assert {"ok", "wrong"} == {finding["outcome"] for finding in told["findings"]}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_settings_that_stop_every_command_are_a_finding(environment, capsys, options):
    environment.setenv("SECRET_KEY", "short")
    assert main(["doctor", *options]) == 1
    assert "SECRET_KEY needs at least 32 characters" in capsys.readouterr().out


@on_sqlite
@pytest.mark.parametrize("role", Role)
def test_everybody_at_the_desk_may_look_and_reads_the_worst_first(desk_of, db, role):
    with db.write() as session:
        hold(session, "A backup was restored", None)
    page = desk_of("Ruth", role).page("/staff/doctor")
    states = [found.words for found in page.all("span", class_="tag")]
    order = ["Wrong", "At risk", "Unknown", "Ok"]
    assert states == sorted(states, key=order.index)
    assert {"Wrong", "At risk", "Ok"} <= set(states)
    assert "A backup was restored" in page.words
    assert [link.words for link in page.all("a", href="/staff/doctor?look=1")] == ["Look at everything"]


def test_the_quick_page_asks_nobody_else(desk, monkeypatch):
    def nobody(*_):
        raise AssertionError("somebody was asked")

    monkeypatch.setattr("tpminstitute.doctor.examine.outside_checks", nobody)
    assert "Mail server" not in [h.words for h in desk.page("/staff/doctor").all("h2")]


def test_the_button_asks_everybody(app, desk, tmp_path):
    away = make_settings(tmp_path, bind=f"127.0.0.1:{free_port(also=25)}")
    service = app.extensions["tpm"]
    quiet = service.settings.model_copy(update={"bind": away.bind, "public_url": f"http://{away.bind}"})
    app.extensions["tpm"] = type(service)(**(vars(service) | {"settings": quiet}))
    page = desk.page("/staff/doctor?look=1")
    assert {"Broker", "Mail server", "Web"} <= {h.words for h in page.all("h2")}
    assert "Look again" in page.words
    assert "`" not in page.words, "what to type is set as code"
