"""The page after sending, and the proof that it offers to whom screening wasn't sure about."""

from dataclasses import dataclass

import structlog
from flask import Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock
from tpminstitute.core.text import first_name
from tpminstitute.inbox.letters import asks_for_pathway, reference
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.proving import may_be_proven, release_proven
from tpminstitute.inbox.queries import by_public_id
from tpminstitute.inbox.service import locked_inquiry
from tpminstitute.inbox.waiting_list import waits_of
from tpminstitute.institute.office_hours import NeverOpen
from tpminstitute.institute.reply_words import due_in_words
from tpminstitute.screening.arrivals import may_confirm_plainly
from tpminstitute.screening.proof import SUMS, UNKNOWN, ZERO_BITS, Challenge, Unproven
from tpminstitute.today.queries import promise_in
from tpminstitute.web.common import own_page_sent_it, session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide
from tpminstitute.web.site.meanwhile import chapter_meanwhile

log = structlog.get_logger(__name__)

TOO_MANY = (
    "Many messages from your network were confirmed this way within the last hour, so a person looks at yours first. "
    "It is kept."
)


@site.get("/thanks/<public_id>")
def thanks(public_id: str) -> str | Response:
    """Say thank you; refreshing it sends nothing."""
    inquiry = by_public_id(session(), public_id)
    if inquiry is None:
        abort(404)
    return _page(inquiry)


@site.post("/thanks/<public_id>/proof")
def prove(public_id: str) -> BaseResponse | tuple[str, int]:
    """Take the proof: release the inquiry, or say what was wrong and ask again. A second time it changes nothing."""
    inquiry = locked_inquiry(session(), public_id)
    if inquiry is None:
        abort(404)
    if may_be_proven(inquiry):
        try:
            _check(public_id)
        except Unproven as problem:
            return _page(inquiry, str(problem)), 422
        release_proven(session(), settings(), inquiry)
        log.info("inquiry_proven", inquiry=public_id)
    return redirect(url_for("site.thanks", public_id=public_id), 303)


def _check(public_id: str) -> None:
    """Raise `Unproven` unless the form holds a proof for this letter."""
    if not own_page_sent_it():
        raise Unproven(UNKNOWN)
    challenge = Challenge.read(request.form.get("challenge", ""), settings().secret_key, public_id)
    sums = request.form.get("sums", "")
    if sums:
        challenge.check_sums(sums)
        return
    challenge.check_time()
    if not may_confirm_plainly(session(), settings().secret_key, request.remote_addr or ""):
        raise Unproven(TOO_MANY)


def _page(inquiry: Inquiry, problem: str = "") -> str:
    challenge = Challenge.new(inquiry.public_id) if may_be_proven(inquiry) else None
    return render_template(
        "site/thanks.html",
        public_id=inquiry.public_id,
        reference=reference(inquiry),
        topic_label=topics_of(session()).label(inquiry.topic),
        first_name=first_name(inquiry.name),
        pathway=asks_for_pathway(inquiry),
        waits_for=waits_of(session(), inquiry.id),
        challenge=challenge,
        signed=challenge.sign(settings().secret_key) if challenge else "",
        sums=SUMS,
        zero_bits=ZERO_BITS,
        problem=problem,
        seen_to=inquiry.state is InquiryState.HANDLED,
        answer=_answer(inquiry),
        chapter=chapter_meanwhile(guide(), inquiry.topic, inquiry.along.chapters_read if inquiry.along else ()),
    )


@dataclass(frozen=True)
class _Answer:
    """By when a letter's answer is promised, in words, and whether that is over."""

    due: str
    late: bool


def _answer(inquiry: Inquiry) -> _Answer | None:
    """Return what is promised to a letter's writer: nothing to one who is asked for a proof, or was seen to already.

    Clear spam is told the same as any letter: a page without the promise would tell a spammer that it was found out.
    """
    if inquiry.state is InquiryState.HANDLED or may_be_proven(inquiry):
        return None
    try:
        due = promise_in(session(), settings()).due_at(inquiry.received_at)
    except NeverOpen as problem:
        log.warning("office_never_opens", reason=str(problem))
        return None
    return _Answer(due_in_words(due, settings().institute_zone), due < clock.now())
