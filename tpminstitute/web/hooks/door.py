"""What every provider's hook shares: its limits, its answers, and the way to the rooms."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from tpminstitute.core import clock
from tpminstitute.inbox.models import Door
from tpminstitute.inbox.provider_events import ProviderEvent, known, record_event, remember
from tpminstitute.inbox.receive import Incoming, receive
from tpminstitute.web.common import database, reason_of, settings

log = structlog.get_logger(__name__)

CERTIFICATES = "tpm-sns-certificates"
"""Where the application keeps them (`add_hooks`)."""

LARGEST_BODY = 40 * 1024 * 1024
"""Octets; a mail of 25 MB in base64, and what stands around it."""

FRESH = timedelta(hours=73)
"""How old a signature may be. A retry may carry the time of the first try, and providers try for up to three days
(SendGrid's Inbound Parse; Mailgun 8 hours, SNS one). The replay of one that was taken in is refused by its key, which
is kept for longer than this, so a wide window opens nothing."""

AHEAD = timedelta(minutes=10)
"""How far a provider's clock may be ahead of ours."""

_SENTENCES = {
    404: "Nothing is set up at this address.",
    413: "That is more than this address takes (40 MB). It was not kept.",
}


class Unreadable(Exception):
    """What was sent is not in the provider's form; the sentence says what is missing."""


class Forged(Exception):
    """A signature, password or time is wrong; the word says which, for the log."""


class NotRaw(Exception):
    """A mail came without its bytes; the sentence says which box to tick."""


class Unready(Exception):
    """It can't be told just now whether a delivery is genuine; the provider must try again."""


def add_answers(hooks: Blueprint) -> None:
    """Give the blueprint its body limit, and an answer in one sentence for everything that goes wrong."""
    hooks.url_value_preprocessor(_limit)
    hooks.register_error_handler(Forged, _forged)
    hooks.register_error_handler(Unreadable, lambda error: _refusal(400, str(error)))
    hooks.register_error_handler(NotRaw, _not_raw)
    hooks.register_error_handler(Unready, _unready)
    hooks.register_error_handler(SQLAlchemyError, _no_database)
    hooks.register_error_handler(HTTPException, _http_error)
    hooks.register_error_handler(Exception, _unexpected)


def configured(setting: str) -> str:
    """Return a provider's setting; without it, its addresses don't exist."""
    return setting or abort(404)


def body() -> bytes:
    """Return the request's body as it was sent, which is what a signature is about."""
    return request.get_data(cache=False)


def check_time(moment: datetime) -> None:
    """Raise `Forged` for a signature that is older than any retry, or from the future."""
    age = clock.now() - moment
    if not -AHEAD <= age <= FRESH:
        raise Forged("its time is too far from ours")


def take_mail(provider: str, keys: Sequence[str], content: bytes, recipients: Iterable[str]) -> ResponseReturnValue:
    """Take a verified mail in; the same delivery a second time has no effect.

    The key is written after the mail: a crash in between lets the provider bring it again, and it is stored once
    in any case.
    """
    with database().read() as session:
        if known(session, provider, keys):
            return _done({"repeated": 1})
    envelope = tuple(dict.fromkeys(address for address in recipients if address))
    receipt = receive(database(), settings(), Incoming(content, Door.WEBHOOK, envelope))
    with database().write() as session:
        remember(session, provider, keys)
    return _done({"taken" if receipt.first else "repeated": 1})


def take_events(
    provider: str, items: Sequence[Any], read: Callable[[Any], Sequence[ProviderEvent]]
) -> ResponseReturnValue:
    """Take verified events in, each in a transaction of its own, so that a broken one costs the others nothing.

    Parameters: `read` makes the reports of one item, none for a kind that causes nothing here.
    Raises what the database raises when it can't be reached: the provider brings all of them again, and those that
    took effect already are replays.
    """
    tally: Counter[str] = Counter()
    broken: list[dict[str, Any]] = []
    for position, item in enumerate(items):
        try:
            tally.update(_record(read(item)))
        except Unreadable as problem:
            broken.append({"position": position, "problem": str(problem)})
        except (DataError, IntegrityError):
            broken.append({"position": position, "problem": "It holds what the database can't keep."})
    if broken:
        log.warning("hook_events_unreadable", provider=provider, number=len(broken), of=len(items))
    if broken and len(broken) == len(items):
        return jsonify(problem=broken[0]["problem"], unreadable=broken), 400
    return _done(dict(tally) | ({"unreadable": broken} if broken else {}))


def ignored(provider: str, what: str) -> ResponseReturnValue:
    """Answer a genuine delivery that causes nothing here; `what` is for the log and holds nothing of a mail."""
    log.info("hook_ignored", provider=provider, what=what)
    return _done({"ignored": 1})


def digest_of(item: Any) -> str:
    """Return a key for an event that brings no id of its own: the same words have the same."""
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode("ascii")).hexdigest()


def _record(events: Sequence[ProviderEvent]) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for event in events:
        with database().write() as session:
            outcomes[record_event(session, settings(), event).value] += 1
    return outcomes or Counter({"ignored": 1})


def _done(what: dict[str, Any]) -> ResponseReturnValue:
    return jsonify(what), 200


def _limit(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Set the limit before anything else reads the body, as the desk's sign-in does with JSON."""
    request.max_content_length = LARGEST_BODY


def _refusal(status: int, sentence: str) -> ResponseReturnValue:
    return jsonify(problem=sentence), status


def _forged(error: Forged) -> ResponseReturnValue:
    log.warning("hook_refused", endpoint=request.endpoint, reason=str(error))
    return _refusal(403, "This was not signed by the provider, or long ago. Nothing was taken in.")


def _not_raw(error: NotRaw) -> ResponseReturnValue:
    log.error("hook_without_raw_mail", endpoint=request.endpoint, mend=str(error))
    return _refusal(422, str(error))


def _unready(error: Unready) -> ResponseReturnValue:
    log.error("hook_unready", endpoint=request.endpoint, reason=str(error))
    return _refusal(503, "This can't be verified just now. Please try again in a few minutes.")


def _no_database(error: SQLAlchemyError) -> ResponseReturnValue:
    log.error("database_error", endpoint=request.endpoint, reason=reason_of(error))
    return _refusal(503, "The database can't be reached just now. Please try again in a few minutes.")


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    return _refusal(status, _SENTENCES.get(status, "The request could not be read. Nothing was taken in."))


def _unexpected(_error: Exception) -> ResponseReturnValue:
    """Log without the address, a part of which may be a secret."""
    log.exception("unexpected_error", endpoint=request.endpoint)
    return _refusal(500, "Something broke on our side. Please try again in a few minutes.")
