"""Whether a failure is for good: by the status code (RFC 3463) and by what servers say in words.

An address is closed after a hard bounce, so only what says something about the address itself is hard: a full mailbox,
a refusal for spam or policy, a mail too large and a failure nobody explains are soft, whatever their code.
"""

import re

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])[0-5]\d(?=[ \-:]|$)", re.M)

_FULL = re.compile(
    r"over ?(?:the )?quota|quota ?(?:exceeded|violation|limit)|exceed\w* .{0,30}(?:quota|storage)"
    r"|mailbox (?:is )?(?:full|size limit)"
    r"|full mailbox|inbox is (?:full|out of)|out of (?:storage|space|disk)|insufficient (?:system )?(?:storage|disk"
    r"|space)"
    r"|not enough (?:storage|space|disk)|mailbox .{0,60}(?:is|was) full|overquota|postfach .{0,40}voll"
    r"|boîte .{0,40}pleine"
    r"|buzón .{0,40}lleno|storage (?:is )?full",
    re.I,
)
_NOBODY = re.compile(
    r"(?:user|recipient|mailbox|address|account|alias|local part|addressee) (?:is )?(?:\S{0,100} )?(?:unknown"
    r"|not found|not known"
    r"|invalid|doesn['’]t exist|does not exist|inactive|disabled|deactivated|closed|no longer|suspended|not exist"
    r"|expired)"
    r"|unknown (?:user|recipient|address|mailbox|local|account|or invalid)|no such (?:user|recipient|mailbox|person"
    r"|address|account|"
    r"local|domain|email|host)|invalid (?:recipient|mailbox|address|user)|(?:doesn['’]t|does not) (?:exist"
    r"|have an? .{0,30}account)"
    r"|no mailbox (?:here|by that name)|not (?:a )?(?:valid|known) (?:mailbox|user|address|recipient)"
    r"|(?:couldn['’]t|could not|wasn['’]t|"
    r"was not|can['’]t) be found|wasn['’]t found|address (?:not found|couldn['’]t be found|rejected)"
    r"|host (?:or domain name )?not found"
    r"|domain (?:name )?not found|unrouteable|unroutable|nxdomain|null ?mx|no longer (?:accept|valid|available"
    r"|works|with|employed|in use)"
    r"|has been (?:disabled|deactivated|closed)|account (?:is )?(?:disabled|discontinued)|resolver\.adr"
    r"|recipnotfound|recipient address rejected"
    r"|undeliverable address|unbekannt|existiert nicht|inconnu|n['’]existe pas|desconocid|no existe|user unknown"
    r"|not our customer",
    re.I,
)
_REFUSED = re.compile(
    r"\bspam|blocked|black ?list|block ?list|listed (?:at|in|by|on)|reputation|\bpolicy|\bdmarc\b|\bspf\b|\bdkim\b"
    r"|unauthenticated"
    r"|message (?:is )?too (?:large|big)|size (?:limit|exceed)|exceeds (?:size|the maximum)|virus|malware"
    r"|content (?:rejected|filter)"
    r"|rate limit|too many|throttl|graylist|greylist|try again|temporar|deferred|timed out|time-?out"
    r"|connection refused|will (?:be )?retr"
    r"|will keep trying|delayed|not yet (?:been )?delivered|still being|verzögert|rejected due to|suspicious"
    r"|unsolicited|low on|resources",
    re.I,
)
_WAITS = re.compile(
    r"delivery (?:is |has been )?delayed|\(delay(?:ed)?\)|warning message only|not yet been delivered|delay in"
    r"|will (?:keep|continue) (?:trying|to)"
    r"|still being retried|could not send message for past|has been delayed|do not need to resend"
    r"|noch nicht zugestellt|verzögert",
    re.I,
)
_FAILURE = re.compile(
    r"deliver|zustell|remis|entreg|undeliverable|returned|rejected|fail|bounce|unknown|unable|could not|couldn['’]t"
    r"|permanent"
    r"|does not exist|doesn['’]t exist|quota|mailbox",
    re.I,
)
_SOFT_STATUS = re.compile(r"5\.(?:2\.[23]|3\.[1-5]|4\.[1-57]|5\.\d+|6\.\d+|7\.\d+)")
_HARD_STATUS = re.compile(r"5\.(?:0\.\d+|1\.(?:[1-46]|10)|2\.[01]|4\.(?:4|310)|7\.(?:13|133))")


def status_in(text: str) -> str:
    """Return the first enhanced status code of a failure in `text`, or ''."""
    found = next((m for m in _STATUS.finditer(text[:20_000]) if m[1] != "2"), None)
    return found[0] if found else ""


def names_a_failure(text: str) -> bool:
    """Return whether `text` speaks of a delivery that failed or waits."""
    return bool(_FAILURE.search(text))


def is_permanent(status: str, text: str, *, known_failure: bool = False) -> bool:
    """Return whether a failure says that the address is no good.

    `text` is what the server said; `known_failure` says that the form of the report is one that only real failures
    have, which decides where neither a code nor the words do.
    """
    text = text[:20_000]
    if status.startswith("4") or _WAITS.search(text) or _FULL.search(text) or status == "5.2.2":
        return False
    if _NOBODY.search(text):
        return True
    if _REFUSED.search(text):
        return False
    if _HARD_STATUS.fullmatch(status):
        return True
    if _SOFT_STATUS.fullmatch(status):
        return False
    code = _REPLY_CODE.search(text)
    return status.startswith("5") or (code[1] == "5" if code else known_failure)
