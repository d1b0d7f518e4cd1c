"""Mail providers as they talk to a webhook: payloads shaped as they document them, signed with keys made here."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tpminstitute.mail.models import Message
from tpminstitute.web.hooks.fetching import FetchError

PASSWORD = "3f1c9a7be2d84f60a5c7"
SIGNING_KEY = "mailgun-signing-key-of-the-tests"
INBOUND_SECRET = "b7e04d51c3a98f2260de"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:institute-mail"
AMAZON = "https://sns.eu-west-1.amazonaws.com"
CONFIRM_URL = f"{AMAZON}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
CERTIFICATE_URL = f"{AMAZON}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

_events_key = ec.generate_private_key(ec.SECP256R1())
_inbound_key = ec.generate_private_key(ec.SECP256R1())


def shown(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half of a key as SendGrid shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


SETTINGS = {
    "postmark_webhook_password": PASSWORD,
    "mailgun_signing_key": SIGNING_KEY,
    "ses_topic_arn": TOPIC,
    "sendgrid_webhook_key": shown(_events_key),
    "sendgrid_inbound_key": shown(_inbound_key),
    "sendgrid_inbound_secret": INBOUND_SECRET,
}


@lru_cache(maxsize=1)
def amazon_key() -> rsa.RSAPrivateKey:
    """Return the key that the tests' SNS signs with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(days: int = 90, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """Return a certificate in PEM, valid for so many days (or no more, when that is below zero)."""
    signer = key or amazon_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.now(UTC) - timedelta(days=365)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(signer.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def multipart(fields: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return a multipart form and its content type, its fields as octets."""
    boundary = "xYzZY" + secrets.token_hex(8)
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (boundary.encode(), name.encode(), value)
        for name, value in fields.items()
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Amazon:
    """What stands at the addresses that SNS names; asks nobody, and remembers what was fetched."""

    pages: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    down: bool = False

    def fetch(self, url: str) -> bytes:
        """Return a page of Amazon's."""
        self.fetched.append(url)
        if self.down or url not in self.pages:
            raise FetchError("URLError")
        return self.pages[url]


@dataclass
class Postmark:
    """Postmark: JSON, one event a request, a user and a password."""

    client: FlaskClient
    user: str = "postmark"
    password: str = PASSWORD
    name = "postmark"

    def post(self, path: str, payload: Any) -> TestResponse:
        """Send a webhook."""
        given = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return self.client.post(f"/hooks/postmark/{path}", json=payload, headers={"Authorization": f"Basic {given}"})

    def event(self, report: str, message: Message, **fields: Any) -> TestResponse:
        """Report a mail; `report` is hard, soft, complaint or unsubscription."""
        return self.post("events", self.payload(report, message, **fields))

    def payload(self, report: str, message: Message, **fields: Any) -> dict[str, Any]:
        """Return a report of a mail as Postmark writes it."""
        if report == "unsubscription":
            return {
                "RecordType": "SubscriptionChange",
                "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
                "ServerID": 23,
                "MessageStream": "outbound",
                "ChangedAt": "2026-02-01T10:53:34.4168650Z",
                "Recipient": message.recipient,
                "Origin": "Recipient",
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
                "Tag": "",
                "Metadata": {},
            } | fields
        kind, code = {"hard": ("HardBounce", 1), "soft": ("SoftBounce", 4096), "complaint": ("SpamComplaint", 100001)}[
            report
        ]
        reference = message.message_id[1:].partition("@")[0]
        return {
            "RecordType": "SpamComplaint" if report == "complaint" else "Bounce",
            "MessageStream": "outbound",
            "ID": 4323372036854775807,
            "Type": kind,
            "TypeCode": code,
            "Name": kind,
            "Tag": "",
            "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
            "Metadata": {},
            "ServerID": 23,
            "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
            "Details": "smtp;550 5.1.1 The account does not exist",
            "Email": message.recipient,
            "From": "info@tpminstitute.org",
            "BouncedAt": "2026-02-05T16:33:54.9070259Z",
            "DumpAvailable": True,
            "Inactive": report == "hard",
            "CanActivate": True,
            "Subject": message.subject,
            "Content": "Return-Path: <>\r\nContent-Type: multipart/report\r\n\r\n"
            "--x\r\nContent-Type: message/rfc822\r\n\r\n"
            f"Message-ID: <883953f4@mtasv.net>\r\nX-TPM-Reference: {reference}\r\nSubject: ...\r\n",
        } | fields

    def mail(self, content: bytes, recipients: Sequence[str], raw: bool = True) -> TestResponse:
        """Bring a mail in."""
        payload = {
            "FromName": "Ada Lovelace",
            "MessageStream": "inbound",
            "From": "ada@example.org",
            "To": ", ".join(recipients),
            "ToFull": [{"Email": address, "Name": "", "MailboxHash": ""} for address in recipients],
            "OriginalRecipient": recipients[0],
            "Subject": "An inbound mail",
            "MessageID": hashlib.sha256(content).hexdigest()[:32],
            "Date": "Fri, 1 Aug 2026 16:45:32 -0400",
            "TextBody": "…",
            "Headers": [{"Name": "Received", "Value": "by p-pm-smtp-inbound"}],
            "Attachments": [],
        }
        return self.post("inbound", payload | ({"RawEmail": content.decode("utf-8")} if raw else {}))


@dataclass
class Mailgun:
    """Mailgun: a signature of timestamp and token inside the JSON or the form."""

    client: FlaskClient
    key: str = SIGNING_KEY
    age: timedelta = timedelta()
    name = "mailgun"

    def signature(self) -> dict[str, str]:
        """Return a fresh signature."""
        timestamp = str(int((datetime.now(UTC) - self.age).timestamp()))
        token = secrets.token_hex(25)
        digest = hmac.new(self.key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        return {"timestamp": timestamp, "token": token, "signature": digest}

    def post(self, event_data: Any, signature: Any = None) -> TestResponse:
        """Send a webhook."""
        payload = {"signature": signature or self.signature(), "event-data": event_data}
        return self.client.post("/hooks/mailgun/events", json=payload)

    def event(self, report: str, message: Message, **fields: Any) -> TestResponse:
        """Report a mail; `report` is hard, soft, complaint or unsubscription."""
        return self.post(self.payload(report, message, **fields))

    def payload(self, report: str, message: Message, **fields: Any) -> dict[str, Any]:
        """Return a report of a mail as Mailgun writes it."""
        found = {
            "id": "Ase7i2zsRYeDXztHGENqRA",
            "timestamp": 1770918175.5923693,
            "log-level": "error",
            "event": {"complaint": "complained", "unsubscription": "unsubscribed"}.get(report, "failed"),
            "recipient": message.recipient,
            "recipient-domain": "example.org",
            "tags": [],
            "campaigns": [],
            "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
            "message": {
                "headers": {
                    "message-id": message.message_id.strip("<>"),
                    "from": "TPM Institute <info@tpminstitute.org>",
                    "to": message.recipient,
                    "subject": message.subject,
                },
                "attachments": [],
                "size": 111,
            },
            "user-variables": {},
        }
        if report in ("hard", "soft"):
            found["severity"] = "permanent"
            found["reason"] = "bounce" if report == "hard" else "generic"
            found["delivery-status"] = {
                "attempt-no": 1,
                "code": 550,
                "enhanced-code": "5.1.1",
                "message": "The account does not exist",
                "description": None,
                "session-seconds": 0.2,
                "bounce-type": report,
            }
        return found | fields

    def mail(self, content: bytes, recipients: Sequence[str], raw: bool = True, signature: Any = None) -> TestResponse:
        """Bring a mail in, as a multipart form."""
        signed = signature or self.signature()
        form = {
            "recipient": ",".join(recipients),
            "sender": "ada@example.org",
            "from": "Ada Lovelace <ada@example.org>",
            "subject": "An inbound mail",
            **signed,
        }
        fields = {name: value.encode() for name, value in form.items()}
        sent, kind = multipart(fields | ({"body-mime": content} if raw else {"body-plain": b"..."}))
        path = "/hooks/mailgun/inbound" + ("/mime" if raw else "")
        return self.client.post(path, data=sent, content_type=kind)

    def mail_urlencoded(self, content: bytes, recipient: str) -> TestResponse:
        """Bring a mail in, as Mailgun does without attachments."""
        form = {"recipient": recipient, "body-mime": content} | self.signature()
        kind = "application/x-www-form-urlencoded"
        return self.client.post("/hooks/mailgun/inbound/mime", data=urlencode(form), content_type=kind)


@dataclass
class Ses:
    """Amazon SES: its JSON as the text of an SNS envelope, signed with RSA."""

    client: FlaskClient
    version: str = "2"
    age: timedelta = timedelta()
    key: rsa.RSAPrivateKey | None = None
    name = "ses"

    def envelope(self, message: Any, **fields: Any) -> dict[str, Any]:
        """Return an envelope around what SES says; changed fields are signed as they are."""
        now = datetime.now(UTC) - self.age
        found = {
            "Type": "Notification",
            "MessageId": secrets.token_hex(16),
            "TopicArn": TOPIC,
            "Subject": "Amazon SES Email Event Notification",
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": self.version,
            "SigningCertURL": CERTIFICATE_URL,
            "UnsubscribeURL": f"{AMAZON}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:1",
        } | fields
        found = {name: value for name, value in found.items() if value is not None}
        return found | {"Signature": self.signature(found)}

    def signature(self, envelope: Mapping[str, Any]) -> str:
        """Sign an envelope as SNS does."""
        notification = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        other = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
        names = notification if envelope["Type"] == "Notification" else other
        text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
        algorithm = hashes.SHA1() if self.version == "1" else hashes.SHA256()
        signed = (self.key or amazon_key()).sign(text.encode(), padding.PKCS1v15(), algorithm)
        return base64.b64encode(signed).decode()

    def post(self, envelope: Mapping[str, Any]) -> TestResponse:
        """Send an envelope, as SNS does: its content type is text."""
        kind = "text/plain; charset=UTF-8"
        return self.client.post("/hooks/ses", data=json.dumps(envelope), content_type=kind)

    def event(self, report: str, message: Message, **fields: Any) -> TestResponse:
        """Report a mail; `report` is hard, soft, complaint or unsubscription."""
        return self.post(self.envelope(self.payload(report, message, **fields)))

    def payload(self, report: str, message: Message, **fields: Any) -> dict[str, Any]:
        """Return a report of a mail as SES writes it, with the original headers included."""
        found: dict[str, Any] = {
            "mail": {
                "timestamp": "2026-02-05T14:59:38.237Z",
                "source": "info@tpminstitute.org",
                "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/tpminstitute.org",
                "messageId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
                "destination": [message.recipient],
                "headersTruncated": False,
                "headers": [
                    {"name": "From", "value": '"TPM Institute" <info@tpminstitute.org>'},
                    {"name": "Message-ID", "value": message.message_id},
                    {"name": "X-TPM-Reference", "value": message.message_id[1:].partition("@")[0]},
                ],
                "commonHeaders": {"messageId": message.message_id, "subject": message.subject},
            }
        }
        if report == "unsubscription":
            preferences = {"unsubscribeAll": True, "topicSubscriptionStatus": []}
            found |= {"eventType": "Subscription", "subscription": {"newTopicPreferences": preferences}}
        elif report == "complaint":
            complaint = {
                "complainedRecipients": [{"emailAddress": message.recipient}],
                "complaintFeedbackType": "abuse",
                "feedbackId": "000001378603177f-7a5433e7-8edb-42ae-af10-f0181f34d6ee-000000",
            }
            found |= {"notificationType": "Complaint", "complaint": complaint}
        else:
            bounce = {
                "bounceType": "Permanent" if report == "hard" else "Transient",
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {
                        "emailAddress": message.recipient,
                        "status": "5.1.1",
                        "action": "failed",
                        "diagnosticCode": "smtp; 550 5.1.1 The account does not exist",
                    }
                ],
                "reportingMTA": "dns; mail.example.org",
                "feedbackId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa068a-000000",
            }
            found |= {"notificationType": "Bounce", "bounce": bounce}
        return found | fields

    def mail(self, content: bytes, recipients: Sequence[str], raw: bool = True, **fields: Any) -> TestResponse:
        """Bring a mail in, in Base64."""
        message: dict[str, Any] = {
            "notificationType": "Received",
            "receipt": {
                "timestamp": "2026-02-05T20:32:33.936Z",
                "processingTimeMillis": 222,
                "recipients": list(recipients),
                "spamVerdict": {"status": "PASS"},
                "action": {"type": "SNS" if raw else "S3", "topicArn": TOPIC, "encoding": "BASE64"},
            },
            "mail": {"messageId": "d6iitobk75ur44p8kdnnp7g2n800", "destination": list(recipients)},
        }
        if raw:
            message["content"] = base64.b64encode(content).decode()
        return self.post(self.envelope(message, **fields))


@dataclass
class SendGrid:
    """SendGrid: batches of events and forms with a mail, signed by ECDSA in headers."""

    client: FlaskClient
    age: timedelta = timedelta()
    key: ec.EllipticCurvePrivateKey | None = None
    secret: str = INBOUND_SECRET
    name = "sendgrid"

    def headers(self, sent: bytes, usual: ec.EllipticCurvePrivateKey) -> dict[str, str]:
        """Return the headers that sign a body."""
        timestamp = str(int((datetime.now(UTC) - self.age).timestamp()))
        signature = (self.key or usual).sign(timestamp.encode() + sent, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }

    def post(self, events: Any) -> TestResponse:
        """Send a batch of events."""
        sent = json.dumps(events).encode() + b"\r\n"
        headers = self.headers(sent, _events_key)
        return self.client.post("/hooks/sendgrid/events", data=sent, headers=headers, content_type="application/json")

    def event(self, report: str, message: Message, **fields: Any) -> TestResponse:
        """Report a mail; `report` is hard, soft, complaint or unsubscription."""
        return self.post([self.payload(report, message, **fields)])

    def payload(self, report: str, message: Message, **fields: Any) -> dict[str, Any]:
        """Return a report of a mail as SendGrid writes it."""
        found: dict[str, Any] = {
            "email": message.recipient,
            "timestamp": 1770918175,
            "smtp-id": message.message_id,
            "event": {"complaint": "spamreport", "unsubscription": "unsubscribe"}.get(report, "bounce"),
            "category": ["cat facts"],
            "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==",
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        }
        if report in ("hard", "soft"):
            found |= {
                "reason": "550 5.1.1 The account does not exist",
                "status": "5.1.1",
                "type": "bounce" if report == "hard" else "blocked",
            }
        return found | fields

    def mail(self, content: bytes, recipients: Sequence[str], raw: bool = True) -> TestResponse:
        """Bring a mail in."""
        fields = {
            "to": ", ".join(recipients).encode(),
            "from": b"Ada Lovelace <ada@example.org>",
            "subject": b"An inbound mail",
            "envelope": json.dumps({"to": list(recipients), "from": "ada@example.org"}).encode(),
            "charsets": b'{"to":"UTF-8"}',
            "SPF": b"pass",
        }
        sent, kind = multipart(fields | ({"email": content} if raw else {"text": b"..."}))
        path = f"/hooks/sendgrid/inbound/{self.secret}"
        return self.client.post(path, data=sent, content_type=kind, headers=self.headers(sent, _inbound_key))
