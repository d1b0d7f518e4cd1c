"""The pathway check's table: look, write, check, try, save, compare and go back."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.guide.chapters import Guide
from tpminstitute.guide.passages import address_of
from tpminstitute.mail.differences import text_difference
from tpminstitute.pathway.outcome import pathway_of
from tpminstitute.pathway.reading import LONGEST_TEXT, TableProblem, read_table
from tpminstitute.pathway.service import (
    StaleTable,
    current,
    newest_version,
    problems_with,
    restore,
    save,
    versions,
)
from tpminstitute.pathway.table import Answers, Rule, Table
from tpminstitute.web.common import session
from tpminstitute.web.pathway_table import kept_table
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me

NUMBER = f"int(max={2**31 - 1})"
"""What a version's number may be; a larger one fits no column."""

HOLDS = "The check goes by it from now on."


@staff.get("/pathway")
def pathway_table() -> str:
    """Show the table, its questions and its rules, and to who may change it its text."""
    newest = newest_version(session())
    return _page(newest.text, newest.number)


@staff.post("/pathway")
@acting
def save_pathway_table() -> Response | tuple[str, int]:
    """Save a new version; what can't be saved comes back as it was typed, with the sentences that say why."""
    text, based_on = _typed()
    try:
        number = save(session(), _guide(), text, based_on=based_on, account_id=me().id)
    except StaleTable as stale:
        theirs = text_difference("Since your page", _base(based_on), stale.newest.text)
        return _page(text, stale.newest.number, stale={"why": str(stale), "theirs": [theirs]}), 409
    except TableProblem as problem:
        return _page(text, based_on, problems=problem.sentences), 422
    except Refusal as refusal:
        return _page(text, based_on, done=str(refusal)), 409
    kept_table().forget()
    flash(f"Saved as version {number}. {HOLDS}", "success")
    return redirect(url_for("staff.pathway_table"), 303)


@staff.post("/pathway/try")
@acting
def try_pathway_table() -> str | tuple[str, int]:
    """Check what is typed and say what it says to the answers chosen below it. Nothing is kept."""
    text, based_on = _typed()
    problems = problems_with(session(), _guide(), text)
    if problems:
        return _page(text, based_on, problems=problems), 422
    return _page(text, based_on, done="It can be saved as it stands. Nothing was saved yet.", tried=True)


@staff.get("/pathway/versions")
def pathway_versions() -> str:
    """Show every version of the table, and what changed between two of them (`?older=`, `?newer=`)."""
    every = versions(session())
    by_number = {version.number: version for version in every}
    newer = by_number.get(request.args.get("newer", -1, int), every[0])
    before = next((version for version in every if version.number < newer.number), every[-1])
    older = by_number.get(request.args.get("older", -1, int), before)
    return render_template(
        "staff/pathway_versions.html",
        versions=every,
        older=older,
        newer=newer,
        difference=[text_difference("The table", older.text, newer.text)],
        may_act=may_act(),
    )


@staff.post(f"/pathway/versions/<{NUMBER}:number>/restore")
@acting
def restore_pathway_table(number: int) -> Response:
    """Make an earlier version the newest again, 0 the shipped one; `?based_on=` is the newest that the page knew of."""
    based_on = request.args.get("based_on", -1, int)
    try:
        saved = restore(session(), _guide(), number, based_on=based_on, account_id=me().id)
        kept_table().forget()
        flash(
            f"{f'Version {number}' if number else 'The shipped table'} is back, as version {saved}. {HOLDS}", "success"
        )
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.pathway_versions"), 303)


def _typed() -> tuple[str, int]:
    return request.form.get("text", "")[: LONGEST_TEXT * 2], request.form.get("based_on", -1, int)


def _guide() -> Guide:
    loaded: Guide = current_app.extensions["tpm"].guide
    return loaded


def _base(number: int) -> str:
    return next((version.text for version in versions(session()) if version.number == number), "")


def _page(
    text: str,
    based_on: int,
    *,
    problems: Sequence[str] = (),
    done: str = "",
    stale: Mapping[str, Any] | None = None,
    tried: bool = False,
) -> str:
    shown = _readable(text) or current(session(), _guide()).table
    answers = _chosen(shown, request.form)
    return render_template(
        "staff/pathway.html",
        text=text,
        based_on=based_on,
        newest=newest_version(session()),
        longest=LONGEST_TEXT,
        problems=problems,
        done=done,
        stale=stale,
        left_out=current(session(), _guide()).problem,
        table=shown,
        said_when={rule.line: _when(shown, rule) for rule in shown.rules},
        passage=lambda rule: address_of(_guide(), rule.passage),
        chosen=answers,
        pathway=pathway_of(shown, answers) if tried else None,
        may_act=may_act(),
    )


def _readable(text: str) -> Table | None:
    """Return the table of `text` where all of it can be used, so that what is shown is what would hold."""
    if problems_with(session(), _guide(), text):
        return None
    return read_table(text)


def _chosen(table: Table, typed: MultiDict[str, str]) -> Answers:
    """Return the answers that were chosen to try."""
    answers = {}
    for question in table.questions:
        keys = [key for key in typed.getlist(f"try_{question.letter}") if question.answer(key)]
        if keys:
            answers[question.key] = frozenset(keys if question.several else keys[:1])
    return answers


def _when(table: Table, rule: Rule) -> list[str]:
    """Return for whom a rule is, in the words of the questions' answers."""
    told = []
    for condition in rule.when:
        question = table.question(condition.question)
        if question is not None:
            labels = [answer.label for answer in question.answers if answer.key in condition.answers]
            told.append(f"{question.words} {'Not: ' if condition.no else ''}{' / '.join(labels)}")
    return told
