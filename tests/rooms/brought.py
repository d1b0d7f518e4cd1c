"""Files that are brought, and imports that are taken as far as a test wants."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.factories import an_account
from tpminstitute.accounts.models import Account
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.exchange import imports, work
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.models import Import
from tpminstitute.exchange.queries import problems_page


@dataclass
class Importer:
    """Alice, who brings files and lets a worker go on with them until nothing is left to do."""

    db: Database
    settings: Settings

    @property
    def account_id(self) -> int:
        with self.db.write() as session:
            found = session.scalar(select(Account.id).where(Account.email == "alice@tpminstitute.org"))
            return found or an_account(session).id

    def bring(self, content: str | bytes, name: str = "leads.csv") -> int:
        """Bring a file; its columns are guessed. Returns: the import's id."""
        file = imports.folder_of(self.settings) / "test.part"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        found, account_id = imports.look_at(file), self.account_id
        with self.db.write() as session:
            job_id = imports.begin(session, self.settings, file, name, found, account_id).id
        file.unlink()
        return job_id

    def check(self, content: str | bytes, **choices: Any) -> int:
        """Bring a file and go through the dry run."""
        job_id = self.bring(content)
        with self.db.write() as session:
            job = session.get_one(Import, job_id)
            imports.choose(session, job, replace(from_json(job.choices), **choices))
        self.work(job_id)
        return job_id

    def run(self, content: str | bytes, **choices: Any) -> Import:
        """Bring a file, and import it."""
        job_id = self.check(content, **choices)
        self.begin(job_id)
        self.work(job_id)
        return self.job(job_id)

    def begin(self, job_id: int) -> None:
        account_id = self.account_id
        with self.db.write() as session:
            imports.run(session, session.get_one(Import, job_id), account_id)

    def revert(self, job: Import) -> Import:
        account_id = self.account_id
        with self.db.write() as session:
            imports.revert(session, session.get_one(Import, job.id), account_id)
        self.work(job.id)
        return self.job(job.id)

    def work(self, job_id: int) -> None:
        work.finish(self.db, self.settings, job_id, lambda job: None)

    def job(self, job_id: int) -> Import:
        with self.db.read() as session:
            return session.get_one(Import, job_id)

    def problems(self, job_id: int) -> list[tuple[int, str, str]]:
        """The line, kind and sentence of each problem that counts now."""
        with self.db.read() as session:
            page = problems_page(session, session.get_one(Import, job_id))
        return [(row.line, row.kind.value, row.sentence) for row in page.rows]

    def file(self, job: Import) -> Path:
        return imports.file_of(self.settings, job)
