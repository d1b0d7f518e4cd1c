"""`tpm import` and `tpm export`, and an import that is killed in the middle."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.test_command_line import from_nothing
from tests.factories import an_account, contact_of, count, make_settings, submitted
from tests.parts.forked import COMMANDS
from tests.rooms.commented import commented
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.cli import main
from tpminstitute.contacts.models import Contact, ContactTag, Note
from tpminstitute.core import clock
from tpminstitute.core.failpoints import FailPoint
from tpminstitute.exchange import work
from tpminstitute.exchange.checking import BATCH
from tpminstitute.exchange.leases import LEASE_SECONDS
from tpminstitute.exchange.models import Import, ImportState
from tpminstitute.timeline.models import Activity

GRACE = "grace@example.org"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR)


@pytest.fixture
def sheet(tmp_path):
    """`sheet(text)`: a file of it."""

    def write(text, name="leads.csv"):
        (tmp_path / name).write_text(text, "utf-8")
        return str(tmp_path / name)

    return write


@pytest.fixture
def ran(settings, monkeypatch, capsys):
    """`ran("export", "-")`: what a command that must succeed writes; `ran(..., code=1)`: what one says that fails."""
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def run(*words, code=0):
        assert main(words) == code
        told = capsys.readouterr()
        return told.err.strip() if code else told.out

    return run


@on_sqlite
def test_a_file_is_imported_in_a_shell(db, ran, tmp_path, alice, sheet):
    file = sheet(f"Who;Mail;Phone\nGrace;{GRACE};\nBob;bob@;\n")
    problems = tmp_path / "problems.csv"
    options = ("--column", "Who=name", "--tag", "fair", "--problems", str(problems))
    said = ran("import", file, *options)
    assert "Dry run: 1 new contact; 1 row left out." in said
    assert "Imported: 1 contact added; 1 row left out." in said
    assert contact_of(db, GRACE).name == "Grace"
    assert [row.account_id for row in rows(db, ContactTag)] == [alice.id]
    assert "“bob@” is no e-mail address" in problems.read_text("utf-8-sig")


@on_sqlite
def test_a_dry_run_in_a_shell_keeps_nothing(db, ran, alice, sheet):
    file = sheet(f"Email\n{GRACE}\n")
    assert "Nothing was kept." in ran("import", file, "--dry-run")
    assert (count(db, Contact), count(db, Import)) == (0, 0)


@on_sqlite
def test_who_imports_has_to_be_said_where_there_are_several(db, ran, alice, sheet):
    with db.write() as session:
        an_account(session, "Bob", Role.ADMINISTRATOR)
    assert "Say whose import it is: --as" in ran("import", sheet(f"Email\n{GRACE}\n"), code=1)
    assert count(db, Import) == 0


@on_sqlite
def test_every_contact_is_exported_in_a_shell(db, settings, ran):
    submitted(db, settings)
    words = ("export", "-", "--format", "json", "--field", "email", "--field", "topic")
    assert json.loads(ran(*words)) == [{"email": "ada@example.org", "topic": "Becoming a technical program manager"}]
    assert [row.action for row in rows(db, AuditEntry)] == ["contacts_exported"]
    assert ran("export", "-", "--field", "password", code=1).startswith("There is no column password.")


@pytest.mark.parametrize(
    ("database_url", "point"),
    [("sqlite", FailPoint.IMPORT_BEFORE_COMMIT), ("postgresql", FailPoint.IMPORT_AFTER_COMMIT)],
    indirect=["database_url"],
)
def test_an_import_that_is_killed_goes_on_and_doubles_nobody(db, settings, tmp_path, alice, sheet, point):
    people = [f"p{n}@example.org" for n in range(2 * BATCH + 100)]
    file = sheet("Email,Notes\n" + "".join(f"{one},Met at the fair.\n" for one in people))
    environment = {"DATABASE_URL": settings.database_url, "FAIL_POINT": f"{point}:2"}
    done = from_nothing(tmp_path, COMMANDS, "import", file, **environment)
    assert done.returncode == -9, done.stdout + done.stderr
    assert count(db, Contact) == (BATCH if point is FailPoint.IMPORT_BEFORE_COMMIT else 2 * BATCH)
    (job,) = rows(db, Import)
    with clock.at(clock.now() + timedelta(seconds=LEASE_SECONDS + 1)):
        while rows(db, Import)[0].state is ImportState.RUNNING:
            work.go_on_with_imports(db, make_settings(tmp_path))
    assert (rows(db, Import)[0].id, rows(db, Import)[0].done) == (job.id, {"added": len(people)})
    for model in (Contact, Note, Activity):
        assert count(db, model) == len(people)


def rows(db, model):
    with db.read() as session:
        return session.scalars(select(model).order_by(model.id if hasattr(model, "id") else model.tag)).all()


@on_sqlite
def test_comments_go_out_to_a_file_and_come_back_from_it(db, settings, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    commented(db, settings)
    file = tmp_path / "comments.json"
    assert main(["comments", "export", str(file)]) == 0
    assert main(["comments", "import", str(file)]) == 0
    assert "0 taken in, 1 there already, 0 with problems." in capsys.readouterr().out
    file.write_bytes(b"\xff")
    assert main(["comments", "import", str(file)]) == 1
    assert "not UTF-8" in capsys.readouterr().err
