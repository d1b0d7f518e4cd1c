"""The pathway check: its questions, a pathway of one's own, and how it comes by mail."""

from itertools import groupby
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.contacts import consent
from tpminstitute.contacts.topics import Topic
from tpminstitute.guide.passages import address_of
from tpminstitute.pathway.codes import Decoded, decode, encode
from tpminstitute.pathway.outcome import in_words, pathway_of
from tpminstitute.pathway.table import Answers, Question
from tpminstitute.web.common import settings, topics
from tpminstitute.web.pathway_table import along_of_pathway, table
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide
from tpminstitute.web.site.form import LetterForm
from tpminstitute.web.site.write import fresh_token, take_letter

ASKS_FOR_IT = "Please mail me my pathway. (Sent by the button on the page of the pathway check.)"
"""What stands as the message of an inquiry that nobody typed."""

PLACE = "/pathway"


@site.get("/pathway")
def pathway_check() -> str | BaseResponse:
    """Ask the questions; answers in the address lead to their pathway, and `?from=` fills in those of one."""
    answers = _answers(request.args)
    code = encode(table(), answers)
    if code:
        return redirect(url_for("site.pathway", code=code), 303)
    before = decode(table(), request.args.get("from", ""))
    return render_template(
        "site/pathway.html",
        groups=_by_chapter(table().questions),
        count=len(table().questions),
        chosen=before.answers if before else {},
        nothing="done" in request.args,
    )


@site.get("/pathway/<code>")
def pathway(code: str) -> Response:
    """Show the pathway of `code`, which holds the answers and nothing else."""
    decoded = decode(table(), code)
    if decoded is None:
        return _answer(render_template("site/pathway_unknown.html"), 404)
    form = LetterForm(formdata=None, topics=topics())
    form.token.data = fresh_token(PLACE)
    return _answer(_page(code, decoded, form, None))


@site.get("/pathway/<code>/mail")
def back_to_pathway(code: str) -> BaseResponse:
    """Lead back to the pathway whoever opens the address that its form is sent to."""
    return redirect(url_for("site.pathway", code=code), 303)


@site.post("/pathway/<code>/mail")
def mail_pathway(code: str) -> BaseResponse | tuple[str, int]:
    """Take the wish to get a pathway by mail: an inquiry like any other, whose acknowledgement carries it."""
    decoded = decode(table(), code)
    if decoded is None:
        return _answer(render_template("site/pathway_unknown.html"), 404)
    typed = MultiDict(request.form)
    typed["topic"], typed["message"] = Topic.BECOMING_A_TPM.value, ASKS_FOR_IT
    form = LetterForm(typed, topics=topics())
    form.ours = ASKS_FOR_IT
    along = along_of_pathway(code, mailed_from=settings().public_url)
    return take_letter(form, lambda shown, notice: _page(code, decoded, shown, notice), along, PLACE)


def _answers(typed: MultiDict[str, str]) -> Answers:
    """Return what was answered; what is none of the answers is left out, as is a question that was skipped."""
    answers = {}
    for question in table().questions:
        by_number = {str(answer.number): answer.key for answer in question.answers}
        chosen = [by_number[value] for value in typed.getlist(question.letter.lower()) if value in by_number]
        if chosen:
            answers[question.key] = frozenset(chosen if question.several else chosen[-1:])
    return answers


def _by_chapter(questions: tuple[Question, ...]) -> list[tuple[Any, list[Question]]]:
    chapters = {chapter.slug: chapter for chapter in guide().chapters}
    return [(chapters[slug], list(group)) for slug, group in groupby(questions, key=lambda one: one.chapter)]


def _page(code: str, decoded: Decoded, form: LetterForm, notice: str | None) -> str:
    holds = table()
    return render_template(
        "site/pathway_result.html",
        code=code,
        decoded=decoded,
        pathway=pathway_of(holds, decoded.answers),
        answered=in_words(holds, decoded.answers),
        passage=lambda rule: address_of(guide(), rule.passage),
        form=form,
        notice=notice,
        consent_wording=consent.CURRENT_WORDING.text,
    )


def _answer(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
