"""Writing to the institute: the contact form, from GET to the stored inquiry."""

from collections.abc import Callable

import structlog
from flask import g, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.contacts import consent
from tpminstitute.contacts.service import Person
from tpminstitute.contacts.topics import Topics
from tpminstitute.core import clock
from tpminstitute.core.config import Settings, Switch
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.core.tokens import BadToken
from tpminstitute.inbox.along import Along
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.screening.service import Evidence
from tpminstitute.web.common import database, kept, own_page_sent_it, reason_of, settings, topics
from tpminstitute.web.pathway_table import along_of_pathway
from tpminstitute.web.site import site
from tpminstitute.web.site.along import (
    about_words,
    along_of,
    course_asked_about,
    guide,
    join_waiting_list,
    read_titles,
)
from tpminstitute.web.site.form import FormToken, LetterForm
from tpminstitute.web.site.spelling import offer_for

log = structlog.get_logger(__name__)

ONCE_MORE = "This page was no longer known to us, so nothing was sent. Your text was kept: please press Send once more."
FROM_ELSEWHERE = (
    "This was sent from another site, so it was not taken. Your text was kept: please press Send once more."
)
NOT_STORED = (
    "Your message could not be stored just now, and nothing was sent. Your text was kept on this page: "
    "please press Send again in a minute, or write to {email}."
)


@site.get("/contact")
def contact() -> str:
    """Show the contact form; `?topic=` chooses one beforehand, `?about=` names what is asked about."""
    form = LetterForm(formdata=None, topics=topics())
    form.token.data = fresh_token("/contact")
    if request.args.get("topic") in [choice.key for choice in topics().offered]:
        form.topic.data = request.args["topic"]
    if about_words(request.args.get("about", "")):
        _begin_about(form, request.args["about"])
    if along_of_pathway(request.args.get("pathway", "")):
        form.pathway.data = request.args["pathway"]
    return _page(form)


def _begin_about(form: LetterForm, key: str) -> None:
    """Let a letter be about what `key` names: about a course its topic is chosen, and who wants a place has a text."""
    form.about.data = key
    course = course_asked_about(key)
    if course is not None and not form.topic.data and course.topic in [choice.key for choice in topics().offered]:
        form.topic.data = course.topic
    form.message.data = _asks_for_place(key) or form.message.data


def _asks_for_place(key: str) -> str:
    """Return the text that a letter begins with when its writer wants a place in a course, '' for any other letter."""
    course = course_asked_about(key)
    return f"I ask for {course.words}." if course is not None and course.waits else ""


@site.post("/contact")
def send_letter() -> BaseResponse | tuple[str, int]:
    """Take the form: store the inquiry and say thank you, or show it again with all that was typed."""
    form = LetterForm(request.form, topics=topics_for(request.form.get("topic", "")))
    form.ours = _asks_for_place(form.about.data or "")
    return take_letter(form, _page, along_of(form))


def take_letter(
    form: LetterForm, page: Callable[[LetterForm, str | None], str], along: Along, place: str = "/contact"
) -> BaseResponse | tuple[str, int]:
    """Take a letter with what it brings `along`: store the inquiry and say thank you.

    What can't be taken comes back with all that was typed: `page` shows the form again, with a sentence or None, and
    `place` is where it stands.
    """
    form.regions = [tag.rpartition("-")[2].upper() for tag in request.accept_languages.values() if "-" in tag]
    try:
        token = FormToken.read(form.token.data or "", settings().secret_key)
    except BadToken:
        form.token.data = fresh_token(place)
        return page(form, ONCE_MORE), 400
    if not own_page_sent_it():
        form.token.data = fresh_token(place)
        return page(form, FROM_ELSEWHERE), 403
    if not form.validate():
        return page(form, None), 422
    form.offer = offer_for(form)
    if form.offer is not None:
        return page(form, None), 422
    try:
        with database().write() as writing:
            public_id = submit_inquiry(writing, settings(), _submission(form, token, along))
            join_waiting_list(writing, public_id, form.about.data or "")
    except SQLAlchemyError as problem:
        log.error("inquiry_not_stored", reason=reason_of(problem))
        return page(form, NOT_STORED.format(email=settings().institute_email)), 503
    reach(FailPoint.INTAKE_AFTER_COMMIT)
    log.info("inquiry_stored", inquiry=public_id)
    return redirect(url_for("site.thanks", public_id=public_id), 303)


def topics_for(key: str) -> Topics:
    """Return the topics, looking again for one that another process may have added within this second."""
    if key and key not in topics():
        kept().forget()
        g.pop("shared", None)
    return topics()


def fresh_token(page: str) -> str:
    """Return the signed token of a form that is being shown now on `page`."""
    return token_for(page, request.referrer or "", request.host_url, settings())


def token_for(page: str, referrer: str, host_url: str, holds: Settings) -> str:
    """Return the signed token of a form that is shown now on `page` to who comes from `referrer`, '' if unknown.

    What counts as coming from elsewhere is told by `host_url`, where this was asked for, and by the settings.
    """
    came_from_outside = referrer.startswith("http") and not referrer.startswith((host_url, holds.public_url))
    kept = referrer.partition("?")[0][:300] if came_from_outside else ""
    return FormToken.new(page, kept, consent.CURRENT_WORDING.version).sign(holds.secret_key)


def _page(form: LetterForm, notice: str | None = None) -> str:
    return render_template(
        "site/contact.html",
        form=form,
        notice=notice,
        about=about_words(form.about.data or ""),
        pathway=bool(along_of_pathway(form.pathway.data or "")),
        read_titles=read_titles(form.read.data or ""),
        guide=guide(),
        consent_wording=consent.CURRENT_WORDING.text,
    )


def _submission(form: LetterForm, token: FormToken, along: Along) -> Submission:
    agreed = consent.wording(token.wording) if form.consent.data else None
    return Submission(
        form_key=token.form_key(form),
        person=Person(
            form.name.data or "", form.address, form.phone.data or "", form.phone_e164, form.time_zone.data or ""
        ),
        topic=form.topic.data,
        message=form.message.data or "",
        wording=agreed,
        source_page=token.page,
        source_referrer=token.referrer,
        evidence=_evidence(form, token),
        along=along,
        page_wrote=_page_wrote(form),
    )


def _page_wrote(form: LetterForm) -> int:
    """Return how many characters the message begins with that the page put there and its writer left."""
    return len(form.ours) if (form.message.data or "").startswith(form.ours) else 0


def _evidence(form: LetterForm, token: FormToken) -> Evidence | None:
    if settings().screening is Switch.OFF:
        return None
    others = [form.name.data or "", form.email.data or "", form.phone.data or "", form.message.data or ""]
    return Evidence(
        name=form.name.data or "",
        email=form.address.key,
        text=(form.message.data or "")[_page_wrote(form) :],
        trap=form.subject.data or "",
        others=others,
        time_to_fill=clock.now() - token.made_at,
        address=request.remote_addr or "",
        form=token.nonce,
    )
