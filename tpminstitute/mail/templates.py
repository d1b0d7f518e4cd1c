"""Letters that staff edit: what may stand in them, their versions, and the one that goes out.

Version 0 is the file in templates/email, and of a letter that staff added nothing yet. A saved version never changes;
going back to one saves it anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.own_keys import OWN, REPLY, own_keys
from tpminstitute.core.text import one_line
from tpminstitute.mail.drafts import ALLOWED, DraftError, allowed_in, no_such_variable, problems_of, tidy, why_unmade
from tpminstitute.mail.letters import LetterError, LetterSource, letter_sources, variables_in
from tpminstitute.mail.models import Template, TemplateVersion

AS_SHIPPED = "As shipped"
UNWRITTEN = "Not written yet"
LONGEST_NAME = 80
"""Characters of a letter's name."""

_EMPTY = LetterSource("", "", "")


@dataclass(frozen=True)
class Version:
    """One text of a letter; number 0, without a time, is the file as shipped, or nothing where there is no file."""

    number: int
    source: LetterSource
    author: str
    at: datetime | None

    @property
    def written(self) -> bool:
        """Whether there is a text at all."""
        return self.source != _EMPTY


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
    if not version.written:
        raise LetterError(f"{_NO_TEXT} Nothing was sent. Write it in /staff/templates/{key}.")
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
        newest = newest_version(session, key)
    except LetterError as error:
        return str(error)
    if not newest.written:
        return _NO_TEXT
    return _why_not(key, newest.source) or why_unmade(key, newest.source)


_NUMBER = (
    select(func.max(TemplateVersion.number))
    .where(TemplateVersion.template_id == Template.id)
    .correlate(Template)
    .scalar_subquery()
)
_NAMES_AND_SUBJECTS = select(Template.key, Template.name, TemplateVersion.subject).outerjoin(
    TemplateVersion, and_(TemplateVersion.template_id == Template.id, TemplateVersion.number == _NUMBER)
)


def current_subjects(session: Session) -> dict[str, str]:
    """Return the subject of each letter that goes out now, by the letter's key, for a list.

    A letter without a text stands there by its name.
    """
    found = session.execute(_NAMES_AND_SUBJECTS).all()
    names = {key: name for key, name, _ in found}
    saved = {key: subject for key, _, subject in found if subject is not None}
    return names | {key: source.subject for key, source in letter_sources().items()} | saved


_NEWEST = (
    select(TemplateVersion, Account.name)
    .join(Template, Template.id == TemplateVersion.template_id)
    .join(Account, Account.id == TemplateVersion.account_id)
    .where(Template.key == bindparam("key"))
    .order_by(TemplateVersion.number.desc())
    .limit(1)
)


def newest_version(session: Session, key: str) -> Version:
    """Return the newest version of a letter, whether it can be sent or not; raises `LetterError` when it has none."""
    row = session.execute(_NEWEST, {"key": key}).one_or_none()
    return _first(session, key) if row is None else _version(*row)


def versions_of(session: Session, key: str) -> list[Version]:
    """Return every version of a letter, newest first, the one that it began with last."""
    rows = session.execute(
        select(TemplateVersion, Account.name)
        .join(Template, Template.id == TemplateVersion.template_id)
        .join(Account, Account.id == TemplateVersion.account_id)
        .where(Template.key == key)
        .order_by(TemplateVersion.number.desc())
    )
    return [*(_version(row, author) for row, author in rows), _first(session, key)]


def version_of(session: Session, key: str, number: int) -> Version:
    """Return one version of a letter; raises `Refusal` when there is none of that number."""
    for version in versions_of(session, key):
        if version.number == number:
            return version
    raise Refusal(f"There is no version {number} of this letter. Nothing was changed.")


def templates(session: Session) -> Sequence[Template]:
    """Return the letters that staff may edit: those that are shipped, then those that they added."""
    return session.scalars(select(Template).where(_EDITABLE).order_by(Template.id)).all()


def template_of(session: Session, key: str) -> Template | None:
    """Return the letter of `key`, or None when there is no such letter to edit."""
    return session.scalar(select(Template).where(Template.key == key, _EDITABLE))


def add_template(session: Session, name: str, account_id: int, *, for_replies: bool = False) -> Template:
    """Add a letter without a text yet; once it is written, it can be a step of a sequence. Returns it.

    Parameters: `for_replies`, whether it is a text that staff put into their replies.

    Raises `Refusal` for a name that is empty, too long, or another letter's.
    """
    called = one_line(name, len(name))
    if not called:
        raise Refusal("Write a name for the letter: staff choose it by that. Readers never see it.")
    if len(called) > LONGEST_NAME:
        raise Refusal(f"Shorten the name: it has {len(called)} characters, and {LONGEST_NAME} are the most.")
    if session.scalar(select(Template.id).where(func.lower(Template.name) == called.lower()).limit(1)) is not None:
        raise Refusal(f"There is a letter “{called}” already. Give this one another name.")
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    keys = own_keys(called, begins=REPLY if for_replies else OWN)
    added: Template | None = None
    while added is None:
        adding = insert(Template).values(key=next(keys), name=called).on_conflict_do_nothing(index_elements=["key"])
        added = session.scalar(adding.returning(Template))
    record_audit(session, "template_added", f"{added.key}, “{called}”", account_id=account_id)
    return added


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
    if template is None or template_of(session, key) is None:
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


def _first(session: Session, key: str) -> Version:
    source = letter_sources().get(key)
    if source is not None:
        return Version(0, source, AS_SHIPPED, None)
    if key.startswith((OWN, REPLY)) and template_of(session, key) is not None:
        return Version(0, _EMPTY, UNWRITTEN, None)
    raise LetterError(f"There is no letter “{one_line(key, 60)}”. Put its file back into templates/email.")


def _why_not(key: str, source: LetterSource) -> str:
    """Return why a stored text can't be sent, '' when it can: it was checked when saved, by the rules of then."""
    try:
        unknown = variables_in(source) - set(allowed_in(key))
    except LetterError as error:
        return str(error)
    return no_such_variable(key, min(unknown), "letter") if unknown else ""


_NO_TEXT = "This letter has no text yet."
_EDITABLE = or_(
    Template.key.in_(ALLOWED),
    Template.key.startswith(OWN, autoescape=True),
    Template.key.startswith(REPLY, autoescape=True),
)
