"""The two mails that an inquiry owes: the institute's notice and the visitor's acknowledgement."""

from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.inbox.models import TOPIC_LABELS, Inquiry
from tpminstitute.mail.compose import Address, needs_smtputf8
from tpminstitute.mail.letters import Frame, letter_sources, render
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.notice import render_notice
from tpminstitute.mail.outbox import Order
from tpminstitute.mail.variables import greeting

PAGES = {"/": "the guide", "/contact": "the contact page"}

ACKNOWLEDGEMENT_REASON = "You get this because a message with this address was sent from our contact form."


def reference(inquiry: Inquiry) -> str:
    """Return the short text by which an inquiry is spoken of, such as ``7K3M-9Q2X``."""
    start = inquiry.public_id[:8].upper()
    return f"{start[:4]}-{start[4:]}"


def source_sentence(inquiry: Inquiry) -> str:
    """Return where the visitor came from, as staff read it."""
    came = f", came from {inquiry.source_referrer}" if inquiry.source_referrer else ""
    return f"Wrote on {PAGES.get(inquiry.source_page, inquiry.source_page)}{came}"


def notice(settings: Settings, inquiry: Inquiry, contact: Contact) -> Order:
    """Return the mail that tells the institute of an inquiry; answering it writes to the visitor."""
    letter = render_notice(
        name=inquiry.name,
        email=inquiry.email,
        phone_typed=inquiry.phone_typed,
        phone_e164=inquiry.phone_e164,
        topic=TOPIC_LABELS[inquiry.topic],
        message=inquiry.message,
        consent=inquiry.consent_id is not None,
        source=source_sentence(inquiry),
        reference=reference(inquiry),
        staff_url=f"{settings.public_url}/staff/contacts/{contact.public_id}",
        institute_name=settings.institute_name,
    )
    return Order(
        kind=MessageKind.NOTICE,
        contact_id=contact.id,
        cause=f"inquiry:{inquiry.id}",
        dedupe_key=f"inquiry:{inquiry.id}:notice",
        recipient=Address(settings.institute_name, settings.institute_email),
        recipient_key=settings.institute_email.lower(),
        letter=letter,
        reply_to=_answerable(Address(inquiry.name, inquiry.email)),
        headers={"Auto-Submitted": "auto-generated"},
    )


def _answerable(visitor: Address) -> Address | None:
    """Leave out a Reply-To that not every mail server takes: the notice must arrive, and it names the address."""
    return None if needs_smtputf8(visitor) else visitor


def acknowledgement(settings: Settings, inquiry: Inquiry, contact: Contact) -> Order:
    """Return the mail that tells the visitor their message arrived; nothing they typed is in it but a first name."""
    frame = Frame(
        institute_name=settings.institute_name,
        institute_email=settings.institute_email,
        postal_address=settings.postal_address,
        reason=ACKNOWLEDGEMENT_REASON,
    )
    variables = {
        "greeting": greeting(inquiry.name),
        "reference": reference(inquiry),
        "topic": TOPIC_LABELS[inquiry.topic],
        "guide_url": f"{settings.public_url}/",
    }
    return Order(
        kind=MessageKind.ACKNOWLEDGEMENT,
        contact_id=contact.id,
        cause=f"inquiry:{inquiry.id}",
        dedupe_key=f"inquiry:{inquiry.id}:ack",
        recipient=Address("", inquiry.email),
        recipient_key=contact.email_key,
        letter=render(letter_sources()["acknowledgement"], variables, frame),
        reply_to=Address(settings.institute_name, settings.institute_email),
        headers={"Auto-Submitted": "auto-replied"},
    )
