"""Bounces: reports that a mail couldn't be delivered, in the form of RFC 3464 and in the many others."""

import re
from email.message import Message

from flufl.bounce import all_failures

from tpminstitute.core.text import one_line
from tpminstitute.mail.incoming.headers import Headers, addresses, mailbox, split_header
from tpminstitute.mail.incoming.model import Bounce
from tpminstitute.mail.incoming.structure import Part, Structure
from tpminstitute.mail.incoming.verdicts import is_permanent, names_a_failure, status_in

_OCTETS = 200_000
_TEXT_LIMIT = 20_000
_REASON_LIMIT = 500
_FLUFL_LINES, _FLUFL_WIDTH = 100, 200
_STATUS_TYPES = frozenset(("message/delivery-status", "message/global-delivery-status"))
_DAEMONS = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|mail-?delivery(?:-?subsystem|system)?|maildelivery|bounces?"
    r"|microsoftexchange[0-9a-f]{10,40}|system administrator|mailerdaemon|daemon)(?:[+._=-].{0,100})?",
    re.I,
)
_DAEMON_NAMES = re.compile(r"mail delivery (?:sub)?system|mailer[ -]?daemon", re.I)
_SUBJECT = re.compile(
    r"(?:undeliver|undelivrable|returned mail|mail delivery (?:fail|sub|system)|delivery (?:status|fail|has failed"
    r"|delayed|"
    r"notification|unsuccessful|problem|incomplete)|failure notice|failed delivery|delivery of your|mail system error"
    r"|message (?:delivery|not delivered|undeliverable|you sent blocked)|warning: (?:could not send|message)"
    r"|could not be delivered"
    r"|non[- ]?delivery|rejected:|nondeliverable|unzustellbar|nicht zustellbar|zustellung|unable to deliver"
    r"|non remis|échec de (?:la )?remise|no se puede entregar|no entregado|error de entrega|mail failure"
    r"|address not found"
    r"|message blocked|mailbox full|delay)",
    re.I,
)
_QMAIL = re.compile(
    r"^hi\. this is the .{1,80}(?:program|mail) |^this is the mail system at host "
    r"|qmail-send program",
    re.I | re.M,
)
_RECIPIENTS = (
    re.compile(r"^\s{0,8}<([^<>\s]{3,254}@[^<>\s]{1,250})>(?::| \(|\s*$)", re.M),
    re.compile(r"wasn['’]t delivered to\s{1,4}\*{0,2}([^\s<>*]{1,64}@[^\s<>*]{1,250})", re.I),
    re.compile(r"your (?:message|mail|e-?mail) to\s{1,4}[<\"']?([^\s<>\"']{1,64}@[^\s<>\"']{1,250})", re.I),
    re.compile(r"(?:failed (?:to|for)|recipients? or groups?:|recipients?:|address(?:es)?:"
    r"|konnte nicht .{0,40}:)\s{0,8}"
               r"[^\n@]{0,80}?([A-Za-z0-9._%+'=-]{1,64}@[A-Za-z0-9.-]{1,250})", re.I),
    re.compile(r"^\s{2,8}([^\s<>@]{1,64}@[^\s<>@]{1,250})\s*$", re.M),
)  # fmt: skip
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,200}")
_COPY_BEGINS = re.compile(
    r"^-{2,8} ?(?:this is a copy|below this line|original message|returned message|the header|"
    r"forwarded message|start of returned)|^original message headers?:|^-{3,} ?enclosed|^received: from ",
    re.I | re.M,
)
_DIAGNOSIS = re.compile(r"^.{0,200}\b[245]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3}|.{4}).{0,300}$", re.M)


def is_from_daemon(email: str, name: str) -> bool:
    """Return whether a mail server writes, by its address or its display name."""
    return bool(_DAEMONS.fullmatch(email.rpartition("@")[0])) or bool(_DAEMON_NAMES.search(name))


def is_status_report(structure: Structure) -> bool:
    """Return whether a mail is a report of RFC 3464, about a failure or not."""
    root = structure.root
    kind = root.type_values.get("report-type", "").lower()
    if root.media_type != "multipart/report" or kind not in ("", "delivery-status"):
        return False
    return kind == "delivery-status" or any(part.media_type in _STATUS_TYPES for part in structure.leaves)


def read_bounce(
    structure: Structure, returned: list[Headers], subject: str, text: str, by_daemon: bool
) -> Bounce | None:
    """Return what failed, or None where the mail reports no failure.

    `returned` are the headers of the mails it carries, `text` is its whole text; `by_daemon` says whether a mail server
    wrote it: a text without a report counts only then, since people write about failures too.
    """
    report = is_status_report(structure)
    if not (report or by_daemon or "x-failed-recipients" in structure.root.headers):
        return None
    said = _COPY_BEGINS.split(text[:_TEXT_LIMIT], maxsplit=1)[0]
    for part in structure.leaves:
        if part.media_type in _STATUS_TYPES:
            groups = _recipient_groups(part)
            if groups:
                return _from_groups(groups, returned, said, structure.root.headers)
    if not (
        report or _SUBJECT.search(subject) or _QMAIL.search(said) or "x-failed-recipients" in structure.root.headers
    ):
        return None
    if not (report or names_a_failure(f"{subject}\n{said}")):
        return None
    return _from_text(structure.root.headers, returned, subject, said)


def _recipient_groups(part: Part) -> list[Headers]:
    """Return the groups of fields about recipients (RFC 3464, 2.3)."""
    octets, _ = part.octets(_OCTETS)
    groups = [split_header(group + b"\n\n", 0, len(group) + 2)[0] for group in _BLANK.split(octets) if group.strip()]
    return [group for group in groups if "action" in group or "status" in group or "final-recipient" in group]


_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")


def _from_groups(groups: list[Headers], returned: list[Headers], said: str, root: Headers) -> Bounce | None:
    worst = [group for group in groups if _word(group, "action") in ("failed", "")]
    later = [group for group in groups if _word(group, "action") == "delayed"]
    if not (worst or later):
        return None
    chosen = (worst or later)[0]
    diagnosis = chosen.get("diagnostic-code").partition(";")[2].strip() or chosen.get("diagnostic-code")
    status = status_in(chosen.get("status"))
    named = status_in(diagnosis)
    if named and (not status or status.endswith(".0.0") or (status[0] == "5" and named[0] == "5")):
        status = named
    recipient = _recipient(chosen) or _failed_header(root) or _first_to(returned)
    words = _reason(diagnosis, said)
    permanent = bool(worst) and is_permanent(status, diagnosis or words)
    return Bounce(permanent, status, recipient, words)


def _word(group: Headers, name: str) -> str:
    return group.get(name).partition("(")[0].partition(";")[0].strip().lower()


def _recipient(group: Headers) -> str:
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        found = addresses(group.get(name).rpartition(";")[2])
        if found:
            return found[0]
    return ""


def _failed_header(root: Headers) -> str:
    return next(iter(addresses(root.get("x-failed-recipients"))), "")


def _first_to(returned: list[Headers]) -> str:
    return next((found for one in returned for found in addresses(one.get("to"))), "")


def _from_text(root: Headers, returned: list[Headers], subject: str, said: str) -> Bounce:
    later, failed = _by_flufl(root, said)
    recipient = _failed_header(root) or next(iter([*failed, *later]), "") or _recipient_in(said) or _first_to(returned)
    reason = _reason("", said)
    status = status_in(reason) or status_in(said)
    permanent = not later and is_permanent(status, f"{subject}\n{said}", known_failure=bool(failed))
    return Bounce(permanent, status, recipient, reason)


def _recipient_in(said: str) -> str:
    for pattern in _RECIPIENTS:
        if found := pattern.search(said):
            return found[1].strip("'\"<>.,;:()")
    return ""


def _by_flufl(root: Headers, said: str) -> tuple[list[str], list[str]]:
    """Return whose mail waits and whose failed, as flufl.bounce reads it.

    It gets a small plain mail from a plain address: its patterns take quadratic time on a long line, and it fails where
    there is no sender.
    """
    message = Message()
    sender = mailbox(root.get("from")).email
    message["From"] = sender if _PLAIN_ADDRESS.fullmatch(sender) else "mailer-daemon@unknown.invalid"
    message["Subject"] = one_line(root.get("subject"), _FLUFL_WIDTH).encode("ascii", "replace").decode()
    lines = [line[:_FLUFL_WIDTH] for line in said.split("\n")[:_FLUFL_LINES]]
    message.set_payload("\n".join(lines).encode("ascii", "replace").decode())
    later, failed = all_failures(message)
    return [_plain(one) for one in sorted(later)], [_plain(one) for one in sorted(failed)]


def _plain(address: bytes) -> str:
    return one_line(address.decode("ascii", "replace"), 320)


def _reason(diagnosis: str, said: str) -> str:
    """Return what the server said: its own answer, else the line with a code, else the beginning of the text."""
    if diagnosis.strip():
        return one_line(diagnosis, _REASON_LIMIT)
    found = _DIAGNOSIS.search(said)
    if found:
        return one_line(found[0], _REASON_LIMIT)
    paragraphs = [p for p in said.split("\n\n") if p.strip()]
    telling = [p for p in paragraphs if names_a_failure(p)]
    return one_line((telling or paragraphs or [""])[-1], _REASON_LIMIT)
