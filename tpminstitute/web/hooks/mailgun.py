"""Mailgun: HMAC over a timestamp and a token that counts once (documentation.mailgun.com, Securing Webhooks)."""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from tpminstitute.inbox.provider_events import ProviderEvent, Report
from tpminstitute.web.common import settings
from tpminstitute.web.hooks import hooks
from tpminstitute.web.hooks.door import Forged, NotRaw, body, check_time, configured, take_events, take_mail
from tpminstitute.web.hooks.shapes import form_of, inner, json_of, object_of, text_of, word_of
from tpminstitute.web.hooks.signatures import moment_of, signed_by_mailgun

PROVIDER = "mailgun"

TICK = "This holds no raw mail. In Mailgun, let the route forward to this address with /mime at its end."

_SUPPRESSED = {
    "suppress-bounce": Report.HARD_BOUNCE,
    "suppress-complaint": Report.COMPLAINT,
    "suppress-unsubscribe": Report.UNSUBSCRIPTION,
}


_SIGNED = ("timestamp", "token", "signature", "parent-signature")


@hooks.post("/mailgun/inbound")
@hooks.post("/mailgun/inbound/mime")
def mailgun_inbound() -> ResponseReturnValue:
    """Take in a mail that a route forwarded; Mailgun sends the raw one to addresses that end with "mime" only."""
    key = configured(settings().mailgun_signing_key)
    form = form_of(body(), request.content_type or "")
    signed = {name: form[name].decode("utf-8", "replace") for name in _SIGNED if name in form}
    token = _checked(key, signed)
    content = form.get("body-mime", b"")
    if not content:
        raise NotRaw(TICK)
    recipients = form.get("recipient", b"").decode("utf-8", "replace").split(",")
    return take_mail(PROVIDER, [f"token:{token}"], content, [address.strip() for address in recipients])


@hooks.post("/mailgun/events")
def mailgun_events() -> ResponseReturnValue:
    """Take in what became of a mail: permanent failures, complaints, unsubscriptions."""
    key = configured(settings().mailgun_signing_key)
    found = object_of(json_of(body()), "The event")
    token = _checked(key, object_of(found.get("signature"), "The signature"))
    return take_events(PROVIDER, [found.get("event-data")], lambda item: _events(item, token))


def _checked(key: str, signed: dict[str, Any]) -> str:
    """Return the token of a genuine signature; raises `Forged`. One of a subaccount is signed by its parent as well."""
    timestamp, token = word_of(signed, "timestamp"), word_of(signed, "token")
    given = [word_of(signed, "signature"), word_of(signed, "parent-signature")]
    if not token or not any(signed_by_mailgun(key, timestamp, token, signature) for signature in given if signature):
        raise Forged("wrong signature")
    check_time(moment_of(timestamp))
    return token


def _events(item: Any, token: str) -> Sequence[ProviderEvent]:
    found = object_of(item, "The field event-data")
    report = _report(found)
    if report is None:
        return []
    status = inner(found, "delivery-status")
    keys = [f"token:{token}"]
    if event_id := word_of(found, "id"):  # unique within a day
        keys.append(f"event:{event_id}:{word_of(found, 'timestamp')}")
    return [
        ProviderEvent(
            provider=PROVIDER,
            keys=tuple(keys),
            report=report,
            recipient=text_of(found, "recipient"),
            message_ids=tuple(filter(None, [word_of(inner(found, "message", "headers"), "message-id")])),
            status=word_of(status, "enhanced-code"),
            reason=" ".join(filter(None, [word_of(status, "code"), word_of(status, "message")])),
        )
    ]


def _report(found: dict[str, Any]) -> Report | None:
    """Return what an event says. A temporary failure is none: Mailgun goes on trying, and tells the end of it."""
    match text_of(found, "event"), word_of(found, "severity"):
        case "complained", _:
            return Report.COMPLAINT
        case "unsubscribed", _:
            return Report.UNSUBSCRIPTION
        case "failed", "permanent":
            return _failure(found)
        case _:
            return None


def _failure(found: dict[str, Any]) -> Report:
    """Tell whether a mail that failed for good says anything against its address (a block or a full box doesn't)."""
    reason = word_of(found, "reason")
    if reason in _SUPPRESSED:
        return _SUPPRESSED[reason]
    kind = word_of(inner(found, "delivery-status"), "bounce-type")
    return Report.HARD_BOUNCE if kind == "hard" or (not kind and reason == "bounce") else Report.SOFT_BOUNCE
