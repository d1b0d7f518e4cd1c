"""The two mails that an inquiry owes: the institute's notice and the visitor's acknowledgement."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress, read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_url
from tpminstitute.contacts.owners import owner_of
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.inbox.along import along_words
from tpminstitute.inbox.models import Door, Inquiry, ReceivedMail
from tpminstitute.institute.recipients import NoticeKind, Recipient, recipients
from tpminstitute.mail import variables
from tpminstitute.mail.compose import Address, feedback_id, needs_smtputf8, threading
from tpminstitute.mail.letters import Frame, Letter, render
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.notice import render_mail_notice, render_notice
from tpminstitute.mail.outbox import Order
from tpminstitute.mail.readdressing import was_left_since
from tpminstitute.mail.reply_addresses import Purpose, reply_address, reply_to_institute
from tpminstitute.mail.templates import current_source

BY_MAIL = "mail"
"""The source of an inquiry that came by mail."""

BY_COMMENT = "comments"
"""The source of an inquiry that staff made of a comment on the guide."""

SEND_GUIDE = "/guide/send"
"""The source of an inquiry that asks for the guide by mail: the page where one asks."""

CALL = "/me/call"
"""The source of an inquiry that asks for a call: the page about oneself where one asks."""

PAGES = {
    "/": "the guide",
    "/contact": "the contact page",
    "/pathway": "the pathway check",
    SEND_GUIDE: "the page that sends the guide",
    CALL: "the page about themselves, to ask for a call",
}

ACKNOWLEDGEMENT = "acknowledgement"
"""The key of its letter, for who writes for the first time."""

ACKNOWLEDGEMENT_AGAIN = "acknowledgement-again"
"""The key of its letter, for who got an acknowledgement before."""

PATHWAY = "pathway-check"
"""The key of its letter, for who asked for the pathway of their own by mail: it carries it."""

GUIDE_TO_KEEP = "guide-to-keep"
"""The key of its letter, for who asks for the guide by mail: it carries the links."""

ACKNOWLEDGEMENTS = (ACKNOWLEDGEMENT, ACKNOWLEDGEMENT_AGAIN, PATHWAY, GUIDE_TO_KEEP)

NEVER_ARRIVED = (MessageStatus.CANCELLED, MessageStatus.SUPPRESSED, MessageStatus.FAILED)

ACKNOWLEDGEMENT_REASON = "You get this because a message with this address was sent from our contact form."

ACKNOWLEDGEMENT_REASON_BY_MAIL = "You get this because you wrote to us from this address."

GUIDE_REASON = "You get this because somebody asked on our site that the guide be sent to this address."
CALL_REASON = "You get this because a call was asked for on the page that shows what we hold about you."
ACKNOWLEDGEMENT_REASON_BY_COMMENT = "You get this because a comment on our guide was sent with this address."


def reference(inquiry: Inquiry) -> str:
    """Return the short text by which an inquiry is spoken of, such as ``7K3M-9Q2X``."""
    start = inquiry.public_id[:8].upper()
    return f"{start[:4]}-{start[4:]}"


def source_sentence(inquiry: Inquiry) -> str:
    """Return where the visitor came from, as staff read it."""
    if inquiry.source_page == BY_MAIL:
        return "Wrote by mail"
    if inquiry.source_page == BY_COMMENT:
        return "Commented on the guide"
    came = f", came from {inquiry.source_referrer}" if inquiry.source_referrer else ""
    return f"Wrote on {PAGES.get(inquiry.source_page, inquiry.source_page)}{came}"


def notices(session: Session, settings: Settings, inquiry: Inquiry, contact: Contact) -> list[Order]:
    """Return the mails that tell the institute of an inquiry; answering one writes to the visitor."""
    through_us = reply_address(settings, Purpose.STAFF, contact.public_id, inquiry.name)
    reply_to = through_us or _answerable(Address(inquiry.name, inquiry.email))
    letter = render_notice(
        name=inquiry.name,
        email=inquiry.email,
        phone_typed=inquiry.phone_typed,
        phone_e164=inquiry.phone_e164,
        topic=topics_of(session).label(inquiry.topic),
        message=inquiry.message,
        consent=inquiry.consent_id is not None,
        source=source_sentence(inquiry),
        reference=reference(inquiry),
        staff_url=f"{settings.public_url}/staff/contacts/{contact.public_id}",
        institute_name=settings.institute_name,
        answerable=reply_to is not None,
        owner=_owner(session, contact),
        along=along_words(inquiry.along),
    )
    who = recipients(session, settings, NoticeKind.INQUIRY)
    return [_to_institute(contact, f"inquiry:{inquiry.id}", letter, reply_to, one) for one in who]


def mail_notices(session: Session, settings: Settings, mail: ReceivedMail, contact: Contact) -> list[Order]:
    """Return the mails that tell the institute of a mail by somebody known; answering one writes to the contact.

    What lies in the institute's own mailbox was found there, so the institute's address isn't told.
    """
    through_us = reply_address(settings, Purpose.STAFF, contact.public_id, contact.name)
    answerable = through_us or _answerable(Address(contact.name, contact.email))
    letter = render_mail_notice(
        name=mail.sender_name or contact.name,
        email=mail.sender_email,
        subject=mail.subject,
        message=mail.words or mail.text,
        doubt=mail.doubt,
        staff_url=f"{settings.public_url}/staff/contacts/{contact.public_id}",
        institute_name=settings.institute_name,
        answerable=answerable is not None,
        owner=_owner(session, contact),
    )
    who = recipients(session, settings, NoticeKind.REPLY)
    untold = [one for one in who if not (one.is_institute and mail.door is Door.MAILBOX)]
    return [_to_institute(contact, f"received_mail:{mail.id}", letter, answerable, one) for one in untold]


def _variables(session: Session, settings: Settings, inquiry: Inquiry) -> dict[str, str]:
    topic = topics_of(session).label(inquiry.topic)
    pathway = inquiry.along.pathway_letter if inquiry.along else None
    return {**acknowledgement_variables(settings, inquiry.name, topic, reference(inquiry)), **(pathway or {})}


def _owner(session: Session, contact: Contact) -> str:
    owner = owner_of(session, contact)
    return owner.name if owner else ""


def _to_institute(contact: Contact, cause: str, letter: Letter, reply_to: Address | None, to: Recipient) -> Order:
    key = f"{cause}:notice"
    return Order(
        kind=MessageKind.NOTICE,
        contact_id=contact.id,
        cause=cause,
        dedupe_key=key if to.is_institute else f"{key}:{tokens.digest(to.email.lower())[:16]}",
        recipient=Address(one_line(to.name, 100), to.email),
        recipient_key=to.email.lower(),
        letter=letter,
        reply_to=reply_to,
        headers={"Auto-Submitted": "auto-generated"},
    )


def _answerable(visitor: Address) -> Address | None:
    """Leave out a Reply-To that not every mail server takes: the notice must arrive, and it names the address."""
    return None if needs_smtputf8(visitor) else visitor


def acknowledgement_key(inquiry: Inquiry) -> str:
    """Return the dedupe key of the one acknowledgement that an inquiry owes."""
    return f"inquiry:{inquiry.id}:ack"


_FIRST_TWO = (
    select(Message.dedupe_key, Message.created_at)
    .where(
        Message.contact_id == bindparam("contact"),
        Message.kind == MessageKind.ACKNOWLEDGEMENT,
        Message.status.not_in(NEVER_ARRIVED),
    )
    .order_by(Message.created_at)
    .limit(2)
)
"""The first mails by which somebody was acknowledged: one of them may be the inquiry's own."""


def acknowledgement_letters(session: Session, contact_id: int, inquiries: Sequence[Inquiry]) -> dict[int, str]:
    """Return the keys of the letters that acknowledge a contact's inquiries, by the inquiries' ids.

    Who was acknowledged before gets another letter. Who asked for their pathway or the guide gets the one that carries
    it, whoever they are.
    """
    first_two = session.execute(_FIRST_TWO, {"contact": contact_id}).all()

    def letter_for(inquiry: Inquiry) -> str:
        if asks_for_pathway(inquiry):
            return PATHWAY
        if inquiry.source_page == SEND_GUIDE:
            return GUIDE_TO_KEEP
        own = acknowledgement_key(inquiry)
        again = any(key != own and at <= inquiry.received_at for key, at in first_two)
        return ACKNOWLEDGEMENT_AGAIN if again else ACKNOWLEDGEMENT

    return {inquiry.id: letter_for(inquiry) for inquiry in inquiries}


def asks_for_pathway(inquiry: Inquiry) -> bool:
    """Return whether an inquiry asks for a pathway by mail."""
    return inquiry.along is not None and inquiry.along.pathway_letter is not None


def acknowledgement_frame(settings: Settings, own_url: str, reason: str = ACKNOWLEDGEMENT_REASON) -> Frame:
    """Return what stands around every acknowledgement; `own_url` is the reader's own, `reason` says why they get it."""
    return Frame(
        institute_name=settings.institute_name,
        institute_email=settings.institute_email,
        postal_address=settings.postal_address,
        reason=reason,
        signature=settings.letter_signature,
        own_url=own_url,
    )


def _reason(inquiry: Inquiry, key: str, by_mail: str | None) -> str:
    if key == GUIDE_TO_KEEP:
        return GUIDE_REASON
    if by_mail is not None:
        return ACKNOWLEDGEMENT_REASON_BY_MAIL
    if inquiry.source_page == CALL:
        return CALL_REASON
    by_comment = inquiry.source_page == BY_COMMENT
    return ACKNOWLEDGEMENT_REASON_BY_COMMENT if by_comment else ACKNOWLEDGEMENT_REASON


def acknowledgement_variables(settings: Settings, name: str, topic: str, reference: str) -> dict[str, str]:
    """Return what an acknowledgement may speak of to the reader who is called `name`."""
    return {
        "topic": topic,
        "reference": reference,
        **variables.of_reader(name),
        **variables.of_guide(settings.public_url, ACKNOWLEDGEMENT),
    }


def acknowledgement(session: Session, settings: Settings, inquiry: Inquiry, contact: Contact) -> Order:
    """Return the mail that tells the visitor their message arrived; nothing they typed is in it but a first name.

    Raises `LetterError` when the letter that staff saved can't be sent.
    """
    to = _answered(session, inquiry, contact)
    by_mail = session.scalar(select(ReceivedMail.message_id).where(ReceivedMail.inquiry_id == inquiry.id))
    key = acknowledgement_letters(session, inquiry.contact_id, [inquiry])[inquiry.id]
    letter = render(
        current_source(session, key),
        _variables(session, settings, inquiry),
        acknowledgement_frame(settings, own_url(settings, contact.public_id), _reason(inquiry, key, by_mail)),
    )
    return Order(
        kind=MessageKind.ACKNOWLEDGEMENT,
        contact_id=contact.id,
        cause=f"inquiry:{inquiry.id}",
        dedupe_key=acknowledgement_key(inquiry),
        recipient=Address("", to.address),
        recipient_key=to.key,
        letter=letter,
        reply_to=reply_to_institute(settings, contact.public_id),
        headers={
            "Auto-Submitted": "auto-replied",
            "Feedback-ID": feedback_id(MessageKind.ACKNOWLEDGEMENT, inquiry.topic, settings.mail_from),
            **threading([by_mail] if by_mail else []),
        },
    )


def _answered(session: Session, inquiry: Inquiry, contact: Contact) -> EmailAddress:
    """Return the address that an inquiry came from; the contact's own, where another has taken its place since."""
    own = EmailAddress(contact.email, contact.email_key)
    if inquiry.email == own.address:
        return own
    typed = read_email(inquiry.email)
    return own if was_left_since(session, contact, typed.key, inquiry.received_at) else typed
