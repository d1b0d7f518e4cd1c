"""Who is told of what, and how somebody signs their own mails."""

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from tpminstitute.accounts.models import Account
from tpminstitute.core.errors import Refusal
from tpminstitute.core.institute_settings import LONGEST_LINES
from tpminstitute.institute.recipients import MAY_BE_TOLD_NOBODY, NOTICE_LABELS, NoticeKind, Told, save_told, told
from tpminstitute.institute.signatures import keep_signature, own_signature
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.settings_pages import administering, number_sent


@dataclass(frozen=True)
class Choice:
    """Who is told of one kind of notice as the form shows it, and what has to be mended."""

    kind: NoticeKind
    label: str
    told: Told
    addresses: str
    number: int
    nobody: bool
    error: str = ""


@staff.get("/settings/told")
@administering
def told_settings() -> str:
    """Show who is told of what."""
    return _told_page({})


@staff.post("/settings/told")
@administering
def save_told_settings() -> Response | tuple[str, int]:
    """Keep who is told of what, or show all of it again when one choice can't be kept."""
    wrong: dict[NoticeKind, str] = {}
    changed, account_id = False, me().id
    for kind in NoticeKind:
        try:
            changed |= save_told(session(), kind, _sent(kind)[0], number_sent(f"number_{kind.value}"), account_id)
        except Refusal as refusal:
            wrong[kind] = str(refusal)
    if wrong:
        session().rollback()
        typed = {kind: _typed(kind, wrong.get(kind, "")) for kind in NoticeKind}
        return _told_page(typed), 422
    flash("Saved." if changed else "It was so already.", "success")
    return redirect(url_for("staff.told_settings"), 303)


@staff.get("/settings/signature")
@acting
def signature() -> str:
    """Show how one's own mails are signed."""
    return _signature_page(own_signature(session(), me().id))


@staff.post("/settings/signature")
@acting
def save_signature() -> Response | tuple[str, int]:
    """Keep how one's own mails are signed."""
    typed = request.form.get("signature", "")[:2000]
    try:
        keep_signature(session(), me().id, typed)
    except Refusal as refusal:
        return _signature_page(typed, str(refusal)), 422
    flash("Saved. It stands under your next reply.", "success")
    return redirect(url_for("staff.signature"), 303)


def _sent(kind: NoticeKind) -> tuple[Told, str]:
    form = request.form
    ticked = form.getlist(f"account_{kind.value}")[:200]
    accounts = tuple(int(text) for text in ticked if text.isascii() and text.isdigit() and len(text) < 10)
    addresses = form.get(f"addresses_{kind.value}", "")[:2000]
    chosen = Told(
        bool(form.get(f"institute_{kind.value}")), tuple(accounts), tuple(addresses.replace(",", " ").split())
    )
    return chosen, addresses


def _typed(kind: NoticeKind, error: str) -> Choice:
    return _choice(kind, *_sent(kind), told(session(), kind)[1], error)


def _choice(kind: NoticeKind, chosen: Told, addresses: str, number: int, error: str = "") -> Choice:
    return Choice(kind, NOTICE_LABELS[kind], chosen, addresses, number, kind in MAY_BE_TOLD_NOBODY, error)


def _told_page(typed: dict[NoticeKind, Choice]) -> str:
    choices = []
    for kind in NoticeKind:
        chosen, number = told(session(), kind)
        choices.append(typed.get(kind) or _choice(kind, chosen, ", ".join(chosen.addresses), number))
    accounts = session().scalars(select(Account).where(Account.active).order_by(Account.name)).all()
    return render_template(
        "staff/settings_told.html", choices=choices, accounts=accounts, email=settings().institute_email
    )


def _signature_page(text: str, error: str = "") -> str:
    return render_template(
        "staff/settings_signature.html",
        text=text,
        error=error,
        usual=f"{me().name}\n{settings().institute_name}",
        longest=LONGEST_LINES,
    )
