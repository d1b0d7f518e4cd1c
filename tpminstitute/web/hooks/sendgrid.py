"""SendGrid: events and inbound mails, both signed by ECDSA (twilio.com/docs/sendgrid, Securing your Parse Webhooks)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue

from tpminstitute.inbox.provider_events import ProviderEvent, Report
from tpminstitute.web.common import settings
from tpminstitute.web.hooks import hooks
from tpminstitute.web.hooks.door import (
    NotRaw,
    Unreadable,
    body,
    check_time,
    configured,
    digest_of,
    take_events,
    take_mail,
)
from tpminstitute.web.hooks.shapes import form_of, json_of, list_of, object_of, text_of, word_of
from tpminstitute.web.hooks.signatures import check_sendgrid, moment_of, same

PROVIDER = "sendgrid"

TICK = "This holds no raw mail. In SendGrid, tick “POST the raw, full MIME message” at the Inbound Parse setting."

_EVENTS = {
    "spamreport": Report.COMPLAINT,
    "unsubscribe": Report.UNSUBSCRIPTION,
    "group_unsubscribe": Report.UNSUBSCRIPTION,
}
_DROPPED = {
    "bounced address": Report.HARD_BOUNCE,
    "invalid": Report.HARD_BOUNCE,
    "spam reporting address": Report.COMPLAINT,
    "unsubscribed address": Report.UNSUBSCRIPTION,
}
"""Why SendGrid doesn't even try: the address is on a list of its own."""


@hooks.post("/sendgrid/inbound/<secret>")
def sendgrid_inbound(secret: str) -> ResponseReturnValue:
    """Take in a mail from Inbound Parse; the address holds a secret, and a security policy signs the request."""
    if not same(secret, configured(settings().sendgrid_inbound_secret)):
        abort(404)
    sent = _verified(settings().sendgrid_inbound_key)
    form = form_of(sent, request.content_type or "")
    content = form.get("email", b"")
    if not content:
        raise NotRaw(TICK)
    envelope = object_of(json_of(form.get("envelope", b"{}")), "The envelope")
    recipients = [address for address in list_of(envelope, "to") if isinstance(address, str)]
    # The times of the signature change with a retry, and one signature has two valid forms: the mail is the key.
    return take_mail(PROVIDER, [f"mail:{sha256(content).hexdigest()}:{' '.join(recipients)}"], content, recipients)


@hooks.post("/sendgrid/events")
def sendgrid_events() -> ResponseReturnValue:
    """Take in a batch of events: up to thousands in one request."""
    configured(settings().sendgrid_webhook_key)
    items = json_of(_verified(settings().sendgrid_webhook_key))
    if not isinstance(items, list):
        raise Unreadable("The events are no list.")
    return take_events(PROVIDER, items, _events)


def _verified(key: str) -> bytes:
    """Return the body of a request that SendGrid signed lately."""
    sent = body()
    timestamp = request.headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
    check_sendgrid(key, request.headers.get("X-Twilio-Email-Event-Webhook-Signature", ""), timestamp, sent)
    check_time(moment_of(timestamp))
    return sent


def _events(item: Any) -> Sequence[ProviderEvent]:
    found = object_of(item, "The event")
    report = _report(found)
    if report is None:
        return []
    return [
        ProviderEvent(
            provider=PROVIDER,
            keys=(f"event:{word_of(found, 'sg_event_id') or digest_of(found)}",),
            report=report,
            recipient=text_of(found, "email"),
            message_ids=tuple(filter(None, [word_of(found, "smtp-id")])),
            status=word_of(found, "status"),
            reason=word_of(found, "reason"),
        )
    ]


def _report(found: dict[str, Any]) -> Report | None:
    """Return what an event says. A deferral is none: SendGrid goes on trying, and tells the end of it."""
    match text_of(found, "event"):
        case "bounce":
            blocked = word_of(found, "type") == "blocked" or word_of(found, "status").startswith("4")
            return Report.SOFT_BOUNCE if blocked else Report.HARD_BOUNCE
        case "dropped":
            return _DROPPED.get(word_of(found, "reason").lower(), Report.SOFT_BOUNCE)
        case name:
            return _EVENTS.get(name)
