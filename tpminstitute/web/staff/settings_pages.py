"""What an administrator changes without a shell: who the institute is, when it works, what it promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from tpminstitute.accounts.models import Role
from tpminstitute.core import zones
from tpminstitute.core.errors import Refusal
from tpminstitute.core.institute_settings import LONGEST_LINES, LONGEST_NAME, minute_of, reading_of
from tpminstitute.institute import service
from tpminstitute.institute.recipients import NOTICE_LABELS, in_words, told
from tpminstitute.institute.service import Setting, SettingProblem
from tpminstitute.institute.words import LABELS, shown
from tpminstitute.institute.words import in_words as setting_in_words
from tpminstitute.web.common import configured, kept, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me, needs

administering = needs(Role.ADMINISTRATOR)
"""For everything that changes how the institute appears and works."""

INSTITUTE = (
    "institute_name",
    "institute_email",
    "institute_phone",
    "postal_address",
    "institute_time_zone",
    "letter_signature",
)
PROMISE = ("office_hours", "promise_working_hours", "promise_warn_hours", "digest_minute")
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

OPERATORS = (
    ("The sender of mails", "MAIL_FROM", "its domain’s SPF, DKIM and DMARC records have to allow it first"),
    ("The address that answers come to", "REPLY_ADDRESS", "the mail server has to take additions behind a plus sign"),
    ("The site’s address", "PUBLIC_URL", "links in mails that are out already lead to the old one"),
    ("Mail server, mailbox, database, broker", "SMTP_URL, IMAP_URL …", "they hold passwords, and need a restart"),
)
"""What stays with the operator: what it is, the variable, and why."""


@dataclass
class Typed:
    """A form of settings as it was typed, with a sentence for each that has to be mended."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@staff.get("/settings")
def settings_overview() -> str:
    """Show every setting with its value and who changed it."""
    found = service.current(session(), configured())
    return render_template(
        "staff/settings.html",
        institute_settings=[found[name] for name in INSTITUTE],
        promise_settings=[found[name] for name in PROMISE],
        comments_setting=found["comments_open"],
        labels=LABELS,
        shown=shown,
        notices={label: in_words(session(), told(session(), kind)[0]) for kind, label in NOTICE_LABELS.items()},
        operators=OPERATORS,
        may_administer=may_administer(),
    )


@staff.get("/settings/institute")
@administering
def institute_settings() -> str:
    """Show the form of the institute's name, addresses and clock."""
    return _institute_page(Typed())


@staff.post("/settings/institute")
@administering
def save_institute_settings() -> Response | tuple[str, int]:
    """Keep the institute's name, addresses and clock."""
    values = {name: request.form.get(name, "")[:2000].replace("\r\n", "\n") for name in INSTITUTE}
    return _save(values, _institute_page, "staff.institute_settings")


@staff.get("/settings/promise")
@administering
def promise_settings() -> str:
    """Show the form of the office hours, the reply promise and the digest."""
    return _promise_page(Typed())


@staff.post("/settings/promise")
@administering
def save_promise_settings() -> Response | tuple[str, int]:
    """Keep the office hours, the reply promise and the digest."""
    values: dict[str, Any] = {name: request.form.get(name, "")[:20] for name in PROMISE[1:]}
    typed_hours = {f"{end}_{day}": request.form.get(f"{end}_{day}", "")[:5] for end in ("from", "to") for day in _DAYS}
    try:
        values["office_hours"] = _hours(typed_hours)
    except ValueError:
        typed = Typed(values | typed_hours, {"office_hours": "Write both times of a day, such as 09:00 and 17:00."})
        return _promise_page(typed), 422
    return _save(values, _promise_page, "staff.promise_settings", typed_hours)


@staff.post("/settings/reset/<name>")
@administering
def reset_setting(name: str) -> Response:
    """Let a setting be as the operator set it."""
    try:
        service.reset(session(), configured(), name, _shown().get(name, 0), me().id)
        kept().forget()
        flash(f"{LABELS[name]} is as the operator set it again.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    pages = dict.fromkeys(PROMISE, "staff.promise_settings") | {"comments_open": "staff.comment_settings"}
    return redirect(url_for(pages.get(name, "staff.institute_settings")), 303)


def may_administer() -> bool:
    """Return whether whoever looks may change settings."""
    return me().role is Role.ADMINISTRATOR


def change(done: str, page: str, act: Callable[[Session], object], **place: Any) -> Response:
    """Change something in one press and go back to `page`, at its `place`; a refusal says why and changes nothing."""
    try:
        act(session())
        kept().forget()
        flash(done, "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for(page, **place), 303)


def number_sent(name: str = "number") -> int:
    """Return the number that a form carries, 0 for what is none."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


_DAYS = range(1, 8)


def _save(
    values: dict[str, Any], page: Callable[[Typed], str], endpoint: str, also: Mapping[str, str] | None = None
) -> Response | tuple[str, int]:
    try:
        changed = service.save(session(), configured(), values, _shown(), me().id)
    except SettingProblem as problem:
        return page(Typed(values | dict(also or {}), problem.errors)), 422
    kept().forget()
    flash("Saved. It holds from the next page and the next mail on." if changed else "It was so already.", "success")
    return redirect(url_for(endpoint), 303)


def _shown() -> dict[str, int]:
    return {name: number_sent(f"number_{name}") for name in service.CHANGEABLE}


def _institute_page(typed: Typed) -> str:
    found = service.current(session(), configured())
    return render_template(
        "staff/settings_institute.html",
        **_common(found, INSTITUTE, typed),
        zones=zones.places(),
        longest_name=LONGEST_NAME,
        longest_lines=LONGEST_LINES,
        mail_from=configured().mail_from,
    )


def _promise_page(typed: Typed) -> str:
    found = service.current(session(), configured())
    hours = found["office_hours"].value
    spans = {day: tuple(reading_of(minute) for minute in hours[day]) if day in hours else ("", "") for day in _DAYS}
    if "from_1" in typed.values:
        spans = {day: (typed.values[f"from_{day}"], typed.values[f"to_{day}"]) for day in _DAYS}
    return render_template(
        "staff/settings_promise.html", **_common(found, PROMISE, typed), week=WEEK, spans=spans, reading_of=reading_of
    )


def _common(found: Mapping[str, Setting], names: tuple[str, ...], typed: Typed) -> dict[str, Any]:
    return {
        "settings": {name: found[name] for name in names},
        "typed": typed,
        "labels": LABELS,
        "in_words": setting_in_words,
    }


def _hours(typed: Mapping[str, str]) -> dict[int, tuple[int, int]]:
    """Read the week's hours; a day without any is closed. Raises `ValueError` for half a day."""
    hours = {}
    for day in _DAYS:
        opens, closes = typed[f"from_{day}"].strip(), typed[f"to_{day}"].strip()
        if opens or closes:
            hours[day] = (minute_of(opens), minute_of(closes))
    return hours
