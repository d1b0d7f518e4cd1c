"""Publish an answer that was given in private: anonymised, and only with the asker's consent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import Account
from tpminstitute.comments.anonymous import traces_of
from tpminstitute.comments.chapters import chapter_of, title_of
from tpminstitute.comments.links import publication_url
from tpminstitute.comments.models import LONGEST_BODY, PublicationState, PublishedAnswer
from tpminstitute.comments.notices import letter_to_reader
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.own_links import own_url
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address, feedback_id
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.reply_addresses import reply_to_institute
from tpminstitute.mail.suppression import SENTENCES, suppression_of
from tpminstitute.mail.variables import greeting
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

WORDING = "Yes, publish this question and its answer, without my name, address or number."
"""What the asker agrees to by the link in the mail."""

ASK_REASON = "You get this because you asked us something, and we asked whether your question may be published."
LONGEST_CONSENT = 500


@dataclass(frozen=True)
class Draft:
    """A question and answer as they would be public; `key` is the same for a repeated sending of the same form."""

    key: str
    chapter: str
    question: str
    answer: str


@dataclass(frozen=True)
class Line:
    """One question and answer as staff list them."""

    public_id: str
    state: PublicationState
    chapter: str
    question: str
    answer: str
    consent: str
    at: datetime
    name: str
    contact_public_id: str


class PublishProblem(Refusal):
    """A question and answer can't be published as they are; `field` says which part of the form has to be mended."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say `sentence` of `field`."""
        super().__init__(sentence)
        self.field = field


def names_and_addresses(session: Session, contact: Contact) -> tuple[list[str], list[str]]:
    """Return by what a contact could be told: names, and addresses of theirs."""
    others = session.scalars(select(ContactAddress.email).where(ContactAddress.contact_id == contact.id))
    return [contact.name], list({contact.email, *others})


def publish_with_consent(
    session: Session, contact: Contact, account: Account, draft: Draft, consent: str, message_id: int | None
) -> str:
    """Publish a question and answer whose asker agreed; `consent` says when and where they did.

    Returns its public id. Raises `PublishProblem` for what can't be published.
    """
    how = one_line(consent, LONGEST_CONSENT)
    if not how:
        raise PublishProblem("consent", "Write when and where they agreed, such as “on the phone, 3 November”.")
    row, new = _row(session, contact, account, draft, message_id)
    if new:
        _make_public(session, row, f"{account.name} notes: {how}")
        record(session, contact.id, ActivityKind.ANSWER_PUBLISHED, _sentence(row, "Published"), account_id=account.id)
        _audit(session, row, "answer_published", account)
    return row.public_id


def ask_consent(
    session: Session, settings: Settings, contact: Contact, account: Account, draft: Draft, message_id: int | None
) -> str:
    """Keep a question and answer out of sight, and ask their asker by mail whether they may be published.

    Returns its public id. Raises `PublishProblem` for what can't be published, and for an address that is closed.
    """
    closed = suppression_of(session, contact.email_key)
    if closed is not None:
        raise PublishProblem("way", f"{contact.email} is closed, so they can’t be asked. {SENTENCES[closed.reason]}")
    row, new = _row(session, contact, account, draft, message_id)
    if new:
        row.asked_at = clock.now()
        outbox.queue(session, settings, _ask(settings, contact, row))
        sentence = _sentence(row, "Asked whether we may publish")
        record(session, contact.id, ActivityKind.PUBLICATION_ASKED, sentence, account_id=account.id)
        _audit(session, row, "answer_consent_asked", account)
    return row.public_id


def by_public_id(session: Session, public_id: str | None, *, lock: bool = False) -> PublishedAnswer | None:
    """Return the question and answer with that public id, or None."""
    query = select(PublishedAnswer).where(PublishedAnswer.public_id == public_id)
    return session.scalar(query.with_for_update() if lock else query)


def agree(session: Session, row: PublishedAnswer) -> None:
    """Publish what its asker agrees to by the link in the mail; a second time changes nothing.

    Raises `Refusal` for what was withdrawn.
    """
    if row.state is PublicationState.PUBLISHED:
        return
    if row.state is PublicationState.WITHDRAWN:
        raise Refusal("This was withdrawn, so it isn’t published. Nothing was changed.")
    _make_public(session, row, f"By the link in our mail: “{WORDING}”")
    sentence = _sentence(row, "Agreed to publish")
    record(session, row.contact_id, ActivityKind.ANSWER_PUBLISHED, sentence, actor=Actor.VISITOR)


def decline(session: Session, row: PublishedAnswer) -> None:
    """Keep out of sight, or take back, what its asker doesn't want to be public; a second time changes nothing."""
    if row.state in (PublicationState.DECLINED, PublicationState.WITHDRAWN):
        return
    was_public = row.state is PublicationState.PUBLISHED
    _end(session, row, PublicationState.WITHDRAWN if was_public else PublicationState.DECLINED)
    sentence = _sentence(row, "Took back that we may publish" if was_public else "Doesn’t want us to publish")
    record(session, row.contact_id, ActivityKind.PUBLICATION_ENDED, sentence, actor=Actor.VISITOR)


def withdraw(session: Session, row: PublishedAnswer, account: Account) -> None:
    """Take a question and answer away, or don't wait for consent any longer. Raises `Refusal` when it is over."""
    if row.state not in (PublicationState.PUBLISHED, PublicationState.ASKED):
        raise Refusal("This isn’t public any more, perhaps a colleague was quicker. Nothing was changed.")
    outbox.cancel(session, _cause(row), f"{account.name} withdrew it.")
    _end(session, row, PublicationState.WITHDRAWN)
    sentence = _sentence(row, "Withdrew")
    record(session, row.contact_id, ActivityKind.PUBLICATION_ENDED, sentence, account_id=account.id)
    _audit(session, row, "answer_withdrawn", account)


def listed(session: Session, most: int) -> Sequence[Line]:
    """Return the newest questions and answers with who asked, whatever became of them; at most `most`."""
    rows = session.execute(
        select(PublishedAnswer, Contact.name, Contact.public_id)
        .join(Contact, Contact.id == PublishedAnswer.contact_id)
        .order_by(PublishedAnswer.id.desc())
        .limit(most)
    )
    return [
        Line(
            row.public_id,
            row.state,
            title_of(row.chapter),
            row.question,
            row.answer,
            row.consent,
            row.ended_at or row.published_at or row.asked_at or clock.now(),
            name,
            contact_public_id,
        )
        for row, name, contact_public_id in rows
    ]


def _row(
    session: Session, contact: Contact, account: Account, draft: Draft, message_id: int | None
) -> tuple[PublishedAnswer, bool]:
    """Return the row of a draft, and whether it is a new one; raises `PublishProblem`."""
    earlier = by_public_id(session, draft.key)
    if earlier is not None and earlier.contact_id == contact.id:
        return earlier, False
    chapter = chapter_of(draft.chapter)
    if chapter is None:
        raise PublishProblem("chapter", "Choose the chapter that it belongs to.")
    names, addresses = names_and_addresses(session, contact)
    for field, text in (("question", draft.question), ("answer", draft.answer)):
        if not text.strip():
            raise PublishProblem(field, f"Write the {field}: it is empty.")
        if len(text) > LONGEST_BODY:
            raise PublishProblem(field, f"Shorten the {field} to {LONGEST_BODY:,} characters: it has {len(text):,}.")
        traces = traces_of(text, names, addresses)
        if traces:
            raise PublishProblem(field, f"Take “{one_line(traces[0], 80)}” out: it says who asked.")
    row = PublishedAnswer(
        public_id=draft.key,
        contact_id=contact.id,
        message_id=message_id,
        chapter=chapter.slug,
        edition=chapter.edition,
        question=draft.question.strip(),
        answer=draft.answer.strip(),
        state=PublicationState.ASKED,
        consent="",
        account_id=account.id,
    )
    session.add(row)
    session.flush()
    return row, True


def _make_public(session: Session, row: PublishedAnswer, consent: str) -> None:
    row.state, row.consent = PublicationState.PUBLISHED, consent
    row.consented_at = row.published_at = clock.now()
    row.ended_at = None
    session.flush()
    touch(session)


def _end(session: Session, row: PublishedAnswer, state: PublicationState) -> None:
    row.state, row.ended_at = state, clock.now()
    session.flush()
    touch(session)


def _ask(settings: Settings, contact: Contact, row: PublishedAnswer) -> outbox.Order:
    letter = letter_to_reader(
        settings,
        "may-we-publish",
        ASK_REASON,
        own=own_url(settings, contact.public_id),
        greeting=greeting(contact.name),
        chapter=title_of(row.chapter),
        consent_url=publication_url(settings, row),
    )
    return outbox.Order(
        kind=MessageKind.PUBLICATION,
        contact_id=contact.id,
        cause=_cause(row),
        dedupe_key=f"{_cause(row)}:ask",
        recipient=Address("", contact.email),
        recipient_key=contact.email_key,
        letter=letter,
        reply_to=reply_to_institute(settings, contact.public_id),
        headers={
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": feedback_id(MessageKind.PUBLICATION, "ask", settings.mail_from),
        },
    )


def _cause(row: PublishedAnswer) -> str:
    return f"published_answer:{row.id}"


def _sentence(row: PublishedAnswer, what: str) -> str:
    return f"{what} a question and answer under “{title_of(row.chapter)}”."


def _audit(session: Session, row: PublishedAnswer, action: str, account: Account) -> None:
    subject = f"question {row.public_id}"
    record_audit(session, action, subject, account_id=account.id, contact_id=row.contact_id, kind="comment")
