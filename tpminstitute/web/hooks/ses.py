"""Amazon SES through SNS: inbound mails (the action SNS), bounces, complaints, and subscriptions."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from flask.typing import ResponseReturnValue

from tpminstitute.inbox.provider_events import ProviderEvent, Report
from tpminstitute.web.common import settings
from tpminstitute.web.hooks import hooks
from tpminstitute.web.hooks.door import NotRaw, Unreadable, body, configured, ignored, log, take_events, take_mail
from tpminstitute.web.hooks.shapes import inner, json_of, list_of, object_of, text_of, word_of
from tpminstitute.web.hooks.sns import CONFIRMATION, NOTIFICATION, check_envelope, confirm

PROVIDER = "ses"

TICK = (
    "This holds no raw mail. In SES, give the receipt rule the action “Publish to Amazon SNS topic” with the encoding "
    "Base64, and leave “raw message delivery” of the subscription off."
)

_REFERENCE = "x-tpm-reference"


@hooks.post("/ses")
def ses_envelope() -> ResponseReturnValue:
    """Take in one envelope of SNS: a mail, an event, or the question whether this address wants them."""
    topics = configured(settings().ses_topic_arn)
    envelope = object_of(json_of(body()), "The envelope")
    check_envelope(envelope, topics)
    kind = word_of(envelope, "Type")
    if kind == CONFIRMATION:
        confirm(envelope)
        log.info("ses_subscription_confirmed", topic=envelope["TopicArn"])
        return {"confirmed": 1}
    if kind != NOTIFICATION:
        return ignored(PROVIDER, kind)
    key = f"sns:{text_of(envelope, 'MessageId')}"
    message = _message(text_of(envelope, "Message"))
    if message.get("notificationType") == "Received":
        return take_mail(PROVIDER, [key], _content(message), _recipients(message))
    return take_events(PROVIDER, [message], lambda item: _events(item, key))


def _message(text: str) -> dict[str, Any]:
    """Return what SES says; a plain sentence, as SNS sends it when a topic was set up, says nothing of a mail."""
    try:
        found = json_of(text)
    except Unreadable:
        return {}
    return object_of(found, "The message")


def _content(message: dict[str, Any]) -> bytes:
    content = word_of(message, "content")
    if not content:
        raise NotRaw(TICK)
    if word_of(inner(message, "receipt", "action"), "encoding").upper() != "BASE64":
        return content.encode("utf-8", "replace")
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError):
        raise Unreadable("The mail is not in Base64.") from None


def _recipients(message: dict[str, Any]) -> list[str]:
    found = list_of(inner(message, "receipt"), "recipients") or list_of(inner(message, "mail"), "destination")
    return [address for address in found if isinstance(address, str)]


def _events(item: Any, key: str) -> Sequence[ProviderEvent]:
    """Read a notification of an identity (notificationType) or an event of a configuration set (eventType)."""
    found = object_of(item, "The message")
    match word_of(found, "notificationType") or word_of(found, "eventType"):
        case "Bounce":
            return [_bounce(found, entry, key) for entry in _named(found, "bounce", "bouncedRecipients")]
        case "Complaint" if word_of(inner(found, "complaint"), "complaintFeedbackType") != "not-spam":
            who = _named(found, "complaint", "complainedRecipients")
            return [_event(found, Report.COMPLAINT, text_of(entry, "emailAddress"), key) for entry in who]
        case "Subscription" if inner(found, "subscription", "newTopicPreferences").get("unsubscribeAll") is True:
            who = [{"emailAddress": address} for address in _recipients(found)]
            return [_event(found, Report.UNSUBSCRIPTION, text_of(entry, "emailAddress"), key) for entry in who]
        case _:
            return []


def _named(found: dict[str, Any], kind: str, recipients: str) -> list[dict[str, Any]]:
    entries = list_of(object_of(found.get(kind), f"The field {kind}"), recipients)
    if not entries:
        raise Unreadable(f"The field {recipients} is missing, or empty.")
    return [object_of(entry, f"An entry of {recipients}") for entry in entries]


def _bounce(found: dict[str, Any], entry: dict[str, Any], key: str) -> ProviderEvent:
    """Read one bounced recipient; only "Permanent" speaks against the address."""
    bounce = inner(found, "bounce")
    hard = word_of(bounce, "bounceType") == "Permanent"
    reason = word_of(entry, "diagnosticCode") or word_of(bounce, "bounceSubType")
    report = Report.HARD_BOUNCE if hard else Report.SOFT_BOUNCE
    return _event(found, report, text_of(entry, "emailAddress"), key, word_of(entry, "status"), reason)


def _event(
    found: dict[str, Any], report: Report, recipient: str, key: str, status: str = "", reason: str = ""
) -> ProviderEvent:
    """Make the event. SES sends with a Message-ID of its own; the headers it returns are those we gave it."""
    headers = [header for header in list_of(inner(found, "mail"), "headers") if isinstance(header, dict)]
    named = {word_of(header, "name").lower(): word_of(header, "value") for header in headers}
    ids = [named.get("message-id", ""), word_of(inner(found, "mail", "commonHeaders"), "messageId")]
    return ProviderEvent(
        provider=PROVIDER,
        keys=(f"{key}:{recipient}",),
        report=report,
        recipient=recipient,
        message_ids=tuple(filter(None, ids)),
        references=tuple(filter(None, [named.get(_REFERENCE, "")])),
        status=status,
        reason=reason,
    )
