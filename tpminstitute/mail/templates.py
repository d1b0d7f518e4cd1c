"""Letters that staff edit: what may stand in them, their versions, and the one that goes out.

Version 0 is the file in templates/email. A saved version never changes; going back to one saves it anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.mail.drafts import ALLOWED, DraftError, no_such_variable, problems_of, tidy, why_unmade
from tpminstitute.mail.letters import LetterError, LetterSource, letter_sources, variables_in
from tpminstitute.mail.models import Template, TemplateVersion

AS_SHIPPED = "As shipped"


@dataclass(frozen=True)
class Version:
    """One text of a letter; number 0, without a time, is the file as shipped."""

    number: int
    source: LetterSource
    author: str
    at: datetime | None


class StaleVersion(Refusal):
    """Somebody saved a newer version in the meantime; `newest` is it."""

    def __init__(self, newest: Version) -> None:
        """Name the author and the version that came in between."""
        super().__init__(
            f"{newest.author} saved version {newest.number} while you were writing. Nothing was saved, and what you "
            "typed is still here. Look at what changed, then save again to put yours on top."
        )
        self.newest = newest


def current_source(session: Session, key: str) -> LetterSource:
    """Return the letter that goes out now: the newest version, or the file while there is none.

    Raises `LetterError` for a letter that doesn't exist, and for a stored version that can't be sent.
    """
    version = newest_version(session, key)
    problem = _why_not(key, version.source)
    if problem:
        raise LetterError(
            f"Version {version.number} of the letter “{key}” can't be sent. {problem} "
            f"Nothing was sent. Mend it in /staff/templates/{key}, or restore another version there."
        )
    return version.source


def why_unsendable(session: Session, key: str) -> str:
    """Return why the letter that would go out now can't be made for every reader, '' when it can.

    It was checked when it was saved; these are the rules of today.
    """
    try:
        source = newest_version(session, key).source
    except LetterError as error:
        return str(error)
    return _why_not(key, source) or why_unmade(key, source)


def current_subjects(session: Session) -> dict[str, str]:
    """Return the subject of each letter that goes out now, by the letter's key, for a list."""
    newest = (
        select(TemplateVersion.template_id, func.max(TemplateVersion.number).label("number"))
        .group_by(TemplateVersion.template_id)
        .subquery()
    )
    saved = session.execute(
        select(Template.key, TemplateVersion.subject)
        .join(TemplateVersion, TemplateVersion.template_id == Template.id)
        .join(
            newest,
            (newest.c.template_id == TemplateVersion.template_id) & (newest.c.number == TemplateVersion.number),
        )
    )
    return {key: source.subject for key, source in letter_sources().items()} | dict(saved.all())


def newest_version(session: Session, key: str) -> Version:
    """Return the newest version of a letter, whether it can be sent or not; raises `LetterError` when it has none."""
    row = session.execute(
        select(TemplateVersion, Account.name)
        .join(Template, Template.id == TemplateVersion.template_id)
        .join(Account, Account.id == TemplateVersion.account_id)
        .where(Template.key == key)
        .order_by(TemplateVersion.number.desc())
        .limit(1)
    ).one_or_none()
    return _shipped(key) if row is None else _version(*row)


def versions_of(session: Session, key: str) -> list[Version]:
    """Return every version of a letter, newest first, the file as shipped last."""
    rows = session.execute(
        select(TemplateVersion, Account.name)
        .join(Template, Template.id == TemplateVersion.template_id)
        .join(Account, Account.id == TemplateVersion.account_id)
        .where(Template.key == key)
        .order_by(TemplateVersion.number.desc())
    )
    return [*(_version(row, author) for row, author in rows), _shipped(key)]


def version_of(session: Session, key: str, number: int) -> Version:
    """Return one version of a letter; raises `Refusal` when there is none of that number."""
    for version in versions_of(session, key):
        if version.number == number:
            return version
    raise Refusal(f"There is no version {number} of this letter. Nothing was changed.")


def templates(session: Session) -> Sequence[Template]:
    """Return the letters that staff may edit, in the order in which readers get them."""
    return session.scalars(select(Template).where(Template.key.in_(ALLOWED)).order_by(Template.id)).all()


def template_of(session: Session, key: str) -> Template | None:
    """Return the letter of `key`, or None when there is no such letter to edit."""
    return session.scalar(select(Template).where(Template.key == key)) if key in ALLOWED else None


def save_version(
    session: Session, key: str, source: LetterSource, *, based_on: int, account_id: int, restores: int | None = None
) -> int:
    """Save a new version of a letter; from the commit on it is the one that goes out.

    Parameters: `based_on`, the number of the version that the writer began from; `restores`, that of an earlier
    version whose text this is.
    Returns the new version's number.
    Raises `DraftError` for a text that can't be sent, `StaleVersion` when `based_on` isn't the newest any more, and
    `Refusal` when nothing would change.
    """
    template = session.scalar(select(Template).where(Template.key == key).with_for_update())
    if template is None or key not in ALLOWED:
        raise Refusal(f"There is no letter “{one_line(key, 60)}”. Nothing was saved.")
    draft = tidy(source.subject, source.preheader, source.body)
    problems = problems_of(key, draft)
    if problems:
        raise DraftError(problems)
    newest = newest_version(session, key)
    if newest.number != based_on:
        raise StaleVersion(newest)
    if newest.source == draft:
        raise Refusal(f"Nothing was saved: version {newest.number} says the same already.")
    number = newest.number + 1
    session.add(
        TemplateVersion(
            template_id=template.id,
            number=number,
            subject=draft.subject,
            preheader=draft.preheader,
            body=draft.body,
            at=clock.now(),
            account_id=account_id,
        )
    )
    restored = "" if restores is None else f", restored from version {restores}"
    record_audit(session, "template_saved", f"{key}, version {number}{restored}", account_id=account_id)
    session.flush()
    return number


def restore(session: Session, key: str, number: int, *, based_on: int, account_id: int) -> int:
    """Make an earlier version the newest again, as a version of its own; parameters, result and errors as above."""
    earlier = version_of(session, key, number)
    return save_version(session, key, earlier.source, based_on=based_on, account_id=account_id, restores=earlier.number)


def _version(row: TemplateVersion, author: str) -> Version:
    return Version(row.number, LetterSource(row.subject, row.preheader, row.body), author, row.at)


def _shipped(key: str) -> Version:
    source = letter_sources().get(key)
    if source is None:
        raise LetterError(f"There is no letter “{one_line(key, 60)}”. Put its file back into templates/email.")
    return Version(0, source, AS_SHIPPED, None)


def _why_not(key: str, source: LetterSource) -> str:
    """Return why a stored text can't be sent, '' when it can: it was checked when saved, by the rules of then."""
    try:
        unknown = variables_in(source) - set(ALLOWED.get(key, ()))
    except LetterError as error:
        return str(error)
    return no_such_variable(key, min(unknown), "letter") if unknown and key in ALLOWED else ""
