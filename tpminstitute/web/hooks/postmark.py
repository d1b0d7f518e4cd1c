"""Postmark. It signs nothing: its webhooks' addresses hold a password (postmarkapp.com/developer/webhooks)."""

import re
from collections.abc import Sequence
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from tpminstitute.inbox.provider_events import ProviderEvent, Report
from tpminstitute.web.common import settings
from tpminstitute.web.hooks import hooks
from tpminstitute.web.hooks.door import NotRaw, body, configured, digest_of, log, take_events, take_mail
from tpminstitute.web.hooks.shapes import json_of, object_of, text_of, word_of
from tpminstitute.web.hooks.signatures import POSTMARK_USER, same

PROVIDER = "postmark"

TICK = "This holds no raw mail. In Postmark, tick “Include raw email content in JSON payload” at the inbound stream."

_REFERENCE = re.compile(r"^X-TPM-Reference:[ \t]*([0-9a-f]{8,64})[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_HARD = {"HardBounce", "BadEmailAddress"}
_NO_BOUNCE = {"AutoResponder", "AddressChange", "ChallengeVerification", "OpenRelayTest", "Subscribe"}
"""What Postmark files under bounces and comes from a mailbox that is there; it forwards the mail itself as inbound."""

_SUPPRESSED = {
    "HardBounce": Report.HARD_BOUNCE,
    "SpamComplaint": Report.COMPLAINT,
    "ManualSuppression": Report.UNSUBSCRIPTION,
}


@hooks.post("/postmark/inbound")
def postmark_inbound() -> ResponseReturnValue:
    """Take in a mail of an inbound stream."""
    if (refused := _stranger()) is not None:
        return refused
    found = object_of(json_of(body()), "The delivery")
    raw = found.get("RawEmail")
    if not isinstance(raw, str) or not raw:
        raise NotRaw(TICK)
    content = raw.encode("utf-8", "replace")
    return take_mail(PROVIDER, [f"mail:{text_of(found, 'MessageID')}"], content, [word_of(found, "OriginalRecipient")])


@hooks.post("/postmark/events")
def postmark_events() -> ResponseReturnValue:
    """Take in a bounce, a spam complaint or a subscription change."""
    if (refused := _stranger()) is not None:
        return refused
    return take_events(PROVIDER, [json_of(body())], _events)


def _stranger() -> ResponseReturnValue | None:
    """Refuse whoever doesn't know the password: by 401, since a 403 makes Postmark give the delivery up."""
    password = configured(settings().postmark_webhook_password)
    given = request.authorization
    parts = (given.username or "", given.password or "") if given is not None and given.type == "basic" else ("", "")
    if same(":".join(parts), f"{POSTMARK_USER}:{password}"):
        return None
    log.warning("hook_refused", endpoint=request.endpoint, reason="wrong user or password")
    answer = {"problem": f"This address needs the user {POSTMARK_USER} and its password. Nothing was taken in."}
    return answer, 401, {"WWW-Authenticate": 'Basic realm="hooks"'}


def _events(item: Any) -> Sequence[ProviderEvent]:
    """Read one webhook of the types Bounce, SpamComplaint and SubscriptionChange; others cause nothing."""
    found = object_of(item, "The event")
    match text_of(found, "RecordType"):
        case "Bounce" | "SpamComplaint":
            report = _report(word_of(found, "Type"))
            return [] if report is None else [_event(found, report, text_of(found, "Email"), word_of(found, "ID"))]
        case "SubscriptionChange" if found.get("SuppressSending") is True:
            report = _suppression(found)
            return [] if report is None else [_event(found, report, text_of(found, "Recipient"), "")]
        case _:
            return []


def _report(kind: str) -> Report | None:
    if kind in _NO_BOUNCE:
        return None
    if kind in _HARD:
        return Report.HARD_BOUNCE
    named = {"SpamComplaint": Report.COMPLAINT, "Unsubscribe": Report.UNSUBSCRIPTION}
    return named.get(kind, Report.SOFT_BOUNCE)


def _suppression(found: dict[str, Any]) -> Report | None:
    """Return what stopped an address; what the institute's own people did in Postmark is no word of the recipient."""
    report = _SUPPRESSED.get(word_of(found, "SuppressionReason"))
    by_recipient = word_of(found, "Origin") == "Recipient"
    return None if report is Report.UNSUBSCRIPTION and not by_recipient else report


def _event(found: dict[str, Any], report: Report, recipient: str, event_id: str) -> ProviderEvent:
    """Make the event; Postmark puts its own id in place of our Message-ID, so the returned headers tell the mail."""
    return ProviderEvent(
        provider=PROVIDER,
        keys=(f"{found['RecordType']}:{event_id or digest_of(found)}",),
        report=report,
        recipient=recipient,
        references=tuple(_REFERENCE.findall(word_of(found, "Content"))[:5]),
        reason=word_of(found, "Details") or word_of(found, "Description"),
    )
