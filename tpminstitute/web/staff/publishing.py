"""Publish a reply as a question and answer under a chapter: anonymised, and with the asker's consent."""

import json
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.comments import publishing
from tpminstitute.comments.anonymous import anonymised
from tpminstitute.comments.chapters import commented
from tpminstitute.comments.models import LONGEST_BODY, PublicationState
from tpminstitute.comments.publishing import LONGEST_CONSENT, Draft, PublishProblem, names_and_addresses
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_public_id
from tpminstitute.core import tokens
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.questions import exchange_of
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.messages import ROW_ID

SHOWN = 200
STATES = {
    PublicationState.ASKED: ("Asked, no answer yet", "act"),
    PublicationState.PUBLISHED: ("Published", "done"),
    PublicationState.DECLINED: ("Declined", "grey"),
    PublicationState.WITHDRAWN: ("Withdrawn", "grey"),
}


@dataclass
class Typed:
    """The form as it is filled in, with a sentence for the part that has to be mended."""

    values: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)


@staff.get("/comments/answers")
def published_answers() -> str:
    """Show the questions and answers that are public, wait for consent, or were withdrawn."""
    lines = publishing.listed(session(), SHOWN)
    return render_template(
        "staff/published_answers.html", lines=lines, states=STATES, more=len(lines) == SHOWN, may_act=may_act()
    )


@staff.get(f"/contacts/<public_id>/publish/<{ROW_ID}:message_id>")
@acting
def propose_answer(public_id: str, message_id: int) -> str:
    """Show a reply as the question and answer that would be public, names, addresses and numbers taken out."""
    contact = _contact(public_id)
    exchange = exchange_of(session(), contact.id, message_id)
    if exchange is None:
        abort(404)
    names, addresses = names_and_addresses(session(), contact)
    values = {
        "key": tokens.public_id(),
        "chapter": "",
        "question": anonymised(exchange.question, names, addresses)[:LONGEST_BODY],
        "answer": anonymised(exchange.answer, names, addresses)[:LONGEST_BODY],
        "way": "ask",
        "consent": "",
    }
    return _page(contact, message_id, Typed(values))


@staff.post(f"/contacts/<public_id>/publish/<{ROW_ID}:message_id>")
@acting
def publish_answer(public_id: str, message_id: int) -> Response | tuple[str, int]:
    """Publish a question and answer with the consent that is on record, or ask for it by mail first."""
    contact = _contact(public_id)
    if exchange_of(session(), contact.id, message_id) is None:
        abort(404)
    names = ("key", "chapter", "question", "answer", "way", "consent")
    values = {name: request.form.get(name, "")[:20_000].replace("\r\n", "\n") for name in names}
    draft = Draft(_public_id(values), values["chapter"], values["question"], values["answer"])
    try:
        if values["way"] == "agreed":
            publishing.publish_with_consent(session(), contact, me(), draft, values["consent"], message_id)
            flash("The question and answer are public now.", "success")
        else:
            publishing.ask_consent(session(), settings(), contact, me(), draft, message_id)
            flash("They are asked by mail. Nothing is public until they agree.", "success")
    except PublishProblem as problem:
        session().rollback()
        return _page(contact, message_id, Typed(values, {problem.field: str(problem)})), 422
    return redirect(url_for("staff.published_answers"), 303)


@staff.post("/comments/answers/<answer_id>/withdraw")
@acting
def withdraw_answer(answer_id: str) -> Response:
    """Take a question and answer away, or don't wait for consent any longer."""
    row = publishing.by_public_id(session(), answer_id, lock=True)
    if row is None:
        abort(404)
    try:
        publishing.withdraw(session(), row, me())
        flash("It is withdrawn.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.published_answers"), 303)


def _public_id(values: dict[str, str]) -> str:
    """Return what the pair is known by: the same for the same form, and another for other words."""
    said = json.dumps(list(values.values()))
    return tokens.digest(said)[: tokens.PUBLIC_ID_LENGTH] if values["key"] else tokens.public_id()


def _contact(public_id: str) -> Contact:
    found = by_public_id(session(), public_id)
    if found is None or found.gone:
        abort(404)
    return found


def _page(contact: Contact, message_id: int, typed: Typed) -> str:
    return render_template(
        "staff/publish_answer.html",
        contact=contact,
        message_id=message_id,
        values=typed.values,
        errors=typed.errors,
        chapters=commented(),
        longest=LONGEST_BODY,
        longest_consent=LONGEST_CONSENT,
    )
