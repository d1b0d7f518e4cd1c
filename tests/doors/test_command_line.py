"""The command line: what can't be done is said in one sentence, with a code that says it failed."""

import os
import re
import socket
import subprocess
import sys
from contextlib import closing

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from tests.factories import make_settings
from tests.parts import forked
from tests.parts.ports import free_port
from tpminstitute import simulate_command
from tpminstitute.accounts.models import Account
from tpminstitute.cli import main
from tpminstitute.core import zones
from tpminstitute.core.config import CATCHER_PORT_OFFSET
from tpminstitute.core.db import Database
from tpminstitute.lists.search import find
from tpminstitute.simulate_command import year_from_today
from tpminstitute.simulation import year
from tpminstitute.simulation.report import as_text
from tpminstitute.simulation.year import simulate


def tpm(tmp_path, *words, **environment):
    """Run `tpm` with these words until it ends."""
    return forked.run(forked.COMMANDS, list(words), settings_of(tmp_path) | environment, tmp_path)


def from_nothing(tmp_path, module, *words, **environment):
    """Run `python -m module` with these words until it ends."""
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=forked.ROOT,
        env=settings_of(tmp_path) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_of(tmp_path):
    port = free_port(also=CATCHER_PORT_OFFSET)
    where = {"BIND": f"127.0.0.1:{port}", "DATA_DIR": str(tmp_path / "var")}
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | where


def sentence(done):
    """The one line it ended with; fails when there is more, or a traceback, or no code."""
    assert done.returncode not in (0, -9, -15)
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.endswith(".")
    return line


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BIND", "8000", "127.0.0.1:8000"),
        ("DATABASE_URL", "mysql://localhost/x", "postgresql://"),
        ("REDIS_URL", "http://localhost", "redis://"),
        ("SMTP_URL", "localhost:25", "smtp"),
        ("IMAP_URL", "imap.example.org", "imaps://"),
        ("IMAP_URL", "imaps://info:half/a-word@imap.example.org", "%2F"),
        ("IMAP_URL", "imaps://info@imap.example.org/INBOX", "imaps://user:password"),
        ("PUBLIC_URL", "example.org", "https://"),
        ("SECRET_KEY", "short", "32 characters"),
        ("INSTITUTE_EMAIL", "info", "e-mail address"),
        ("WEB_WORKERS", "none", ""),
        ("SWEEP_SECONDS", "0", ""),
        ("APP_ENV", "prod", "production"),
    ],
)
def test_a_wrong_setting_is_named_with_how_to_mend_it(tmp_path, name, value, words):
    line = sentence(tpm(tmp_path, "run", **{name: value}))
    assert name in line
    assert words in line
    assert len(line) < 250


def test_production_has_no_default_secret(tmp_path):
    assert "SECRET_KEY" in sentence(from_nothing(tmp_path, forked.COMMANDS, "run", APP_ENV="production"))


@pytest.mark.parametrize("command", ["web", "migrate"])
def test_every_command_checks_the_settings(tmp_path, command):
    assert "BIND" in sentence(tpm(tmp_path, command, BIND="nowhere"))


def test_a_worker_checks_the_settings_too(tmp_path):
    assert "BIND" in sentence(from_nothing(tmp_path, "workers", "worker", BIND="nowhere"))


@pytest.mark.parametrize("offset", [0, CATCHER_PORT_OFFSET])
def test_a_used_port_is_named_with_how_to_mend_it(tmp_path, offset):
    port = free_port(also=CATCHER_PORT_OFFSET)
    with socket.create_server(("127.0.0.1", port + offset)):
        line = sentence(tpm(tmp_path, "run", BIND=f"127.0.0.1:{port}"))
    assert f"127.0.0.1:{port + offset} is in use already" in line
    assert "BIND" in line


def test_a_folder_that_can_not_be_made_is_named_with_how_to_mend_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    line = sentence(tpm(tmp_path, "run", DATA_DIR=str(tmp_path / "file" / "var")))
    assert str(tmp_path / "file") in line
    assert "DATA_DIR" in line


def test_a_file_in_place_of_the_folder_is_named_with_how_to_mend_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "DATA_DIR" in sentence(tpm(tmp_path, "run", DATA_DIR=str(tmp_path / "file")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_to_is_named_with_how_to_mend_it(tmp_path):
    (tmp_path / "var").mkdir(mode=0o500)
    assert "can't be written to" in sentence(tpm(tmp_path, "run"))


def test_a_database_that_can_not_be_reached_is_said_so(tmp_path):
    line = sentence(tpm(tmp_path, "run", DATABASE_URL=f"postgresql://tpm@127.0.0.1:{free_port()}/gone"))
    assert "DATABASE_URL can't be reached" in line


def test_a_database_in_a_folder_that_is_not_there_is_said_so(tmp_path):
    line = sentence(tpm(tmp_path, "run", DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/tpm.db"))
    assert "DATABASE_URL can't be reached" in line


def test_migrating_prints_the_link_for_the_first_account_once_there_is_a_database(tmp_path):
    done = from_nothing(tmp_path, forked.COMMANDS, "migrate")
    assert done.returncode == 0
    assert "/staff/setup/" in done.stdout


def test_a_word_that_is_no_command_is_said_so(tmp_path):
    done = tpm(tmp_path, "dance")
    assert done.returncode != 0
    assert "No such command" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_simulated_year_is_told_the_same_however_many_processes_share_it(tmp_path, sqlite_url):
    done = from_nothing(
        tmp_path,
        forked.COMMANDS,
        "simulate",
        "--contacts",
        "8",
        "--days",
        "20",
        "--processes",
        "2",
        "--seed",
        "3",
        DATABASE_URL=sqlite_url,
    )
    assert done.returncode == 0, done.stderr
    settings = make_settings(tmp_path, database_url=sqlite_url)
    begun = year_from_today(settings, contacts=8, days=20, seed=3, all_sequences=False)
    with closing(Database(sqlite_url)) as db:
        alone = simulate(db, settings, begun, 1, lambda part: None)
    told = as_text(alone, zones.reading(begun.begins, settings.institute_zone).date(), 20)
    assert done.stdout.startswith(told)
    assert "Nothing was kept, and no mail left." in done.stdout


def test_a_broken_rule_makes_the_simulation_fail(sqlite_url, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(simulate_command, "set_up_logs", lambda _: None)  # it would be for this whole process
    monkeypatch.setattr(year, "broken_rules", lambda *_: ["Run 1 sent its mails out of their order."])
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["simulate", "--contacts", "1", "--days", "2", "--processes", "1"]) == 1
    assert "Run 1 sent its mails out of their order." in capsys.readouterr().out


def test_a_database_that_is_behind_is_not_simulated(tmp_path):
    assert "Run `tpm migrate` first." in sentence(tpm(tmp_path, "simulate", "--contacts", "1"))


def test_demo_invents_people_and_prints_an_account_that_opens_the_desk(sqlite_url, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert main(["demo", "--contacts", "20", "--account"]) == 0
    said = capsys.readouterr().out
    assert "20 invented people were written" in said
    (told,) = re.findall(r"as (\S+) with the password (\S+)", said)
    email, password = told
    with closing(Database(sqlite_url)) as db, db.read() as session:
        assert find(session, "example").count
        account = session.scalars(select(Account).where(Account.email == email)).one()
    assert PasswordHasher().verify(account.password, password)
    assert main(["demo", "--contacts", "0", "--account"]) == 0
    assert "invented" not in capsys.readouterr().out


def test_demo_refuses_a_database_that_is_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["demo", "--contacts", "20"]) == 1
    assert "behind this version" in capsys.readouterr().err
