"""Amazon SNS: who signed an envelope, and the confirmation of a subscription (docs.aws.amazon.com/sns)."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from flask import current_app

from tpminstitute.web.hooks.certificates import Certificates
from tpminstitute.web.hooks.door import CERTIFICATES, Forged, Unready, check_time
from tpminstitute.web.hooks.fetching import FetchError
from tpminstitute.web.hooks.shapes import word_of

NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"

_NOTIFICATION_FIELDS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_OTHER_FIELDS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")


def check_envelope(envelope: dict[str, Any], topics: str) -> None:
    """Raise `Forged` unless SNS signed an envelope lately, for a topic of ours.

    Parameters: `topics`, the ARNs that are ours, with spaces between them.
    Raises `Unready` when the certificate can't be had just now.
    """
    topic = word_of(envelope, "TopicArn")
    if topic not in topics.split():
        raise Forged("another topic")
    url = word_of(envelope, "SigningCertURL")
    if not _is_certificate(url, topic):
        raise Forged("the certificate is not Amazon's")
    try:
        signature = base64.b64decode(word_of(envelope, "Signature"), validate=True)
        key = _certificates().key_at(url)
        key.verify(signature, _signed_text(envelope), padding.PKCS1v15(), _hash(envelope))
    except (InvalidSignature, binascii.Error, ValueError):
        raise Forged("wrong signature") from None
    except FetchError as problem:
        raise Unready(f"The certificate of Amazon SNS could not be had: {problem}.") from None
    check_time(_moment(word_of(envelope, "Timestamp")))


def confirm(envelope: dict[str, Any]) -> None:
    """Confirm the subscription that a verified envelope asks for, by fetching its address at Amazon.

    Raises `Forged` for an address elsewhere, and `Unready` when it can't be fetched.
    """
    url, topic = word_of(envelope, "SubscribeURL"), word_of(envelope, "TopicArn")
    asked = parse_qs(urlsplit(url).query) if _is_at_amazon(url, topic) else {}
    if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [topic]:
        raise Forged("the confirmation leads elsewhere")
    try:
        _certificates().fetch(url)
    except FetchError as problem:
        raise Unready(f"The subscription could not be confirmed: {problem}.") from None


def _certificates() -> Certificates:
    return cast(Certificates, current_app.extensions[CERTIFICATES])


def _is_certificate(url: str, topic: str) -> bool:
    return _is_at_amazon(url, topic) and bool(_CERTIFICATE.fullmatch(urlsplit(url).path)) and "?" not in url


def _is_at_amazon(url: str, topic: str) -> bool:
    """Return whether an address is at SNS in the region of the topic: no other host of Amazon's is, such as S3."""
    partition, _, region = topic.split(":")[1:4]
    host = f"sns.{region}.amazonaws.com" + (".cn" if partition == "aws-cn" else "")
    return url.startswith(f"https://{host}/") and "#" not in url and url.isascii() and url.isprintable()


def _signed_text(envelope: dict[str, Any]) -> bytes:
    names = _NOTIFICATION_FIELDS if envelope.get("Type") == NOTIFICATION else _OTHER_FIELDS
    lines = [f"{name}\n{envelope[name]}\n" for name in names if isinstance(envelope.get(name), str)]
    return "".join(lines).encode("utf-8", "replace")


def _hash(envelope: dict[str, Any]) -> hashes.HashAlgorithm:
    """Return the hash of the signature's version: SHA-1 for 1, which SNS uses unless a topic asks for 2."""
    match word_of(envelope, "SignatureVersion"):
        case "1":
            return hashes.SHA1()
        case "2":
            return hashes.SHA256()
        case _:
            raise Forged("unknown version of the signature")


def _moment(timestamp: str) -> datetime:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        raise Forged("no usable time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
