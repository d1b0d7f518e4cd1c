"""What the page of comments shows of each, and what can be done with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request, url_for

from tpminstitute.comments.desk import Row, Show
from tpminstitute.comments.models import CommentState
from tpminstitute.comments.submit import NOBODY
from tpminstitute.web.staff.access import may_act

LABELS = {
    Show.HELD: "Waiting",
    Show.SUSPECTED: "Suspected",
    Show.PUBLISHED: "Published",
    Show.REFUSED: "Refused",
    Show.REMOVED: "Removed",
}

EMPTY = {
    Show.HELD: "No comment waits. What readers write about a chapter of the guide appears here, and is public once "
    "one of you publishes it.",
    Show.SUSPECTED: "Nothing is set apart. Comments that look like spam come here: they are kept, and nobody is told.",
    Show.PUBLISHED: "No comment is public yet.",
    Show.REFUSED: "No comment was turned down.",
    Show.REMOVED: "No comment was taken away.",
}

STATES = {
    CommentState.HELD: ("Waiting", "act"),
    CommentState.SUSPECTED: ("Suspected", "amber"),
    CommentState.PUBLISHED: ("Published", "done"),
    CommentState.REFUSED: ("Refused", "grey"),
    CommentState.REMOVED: ("Removed", "grey"),
}

_WAIT = (CommentState.HELD, CommentState.SUSPECTED)
_GONE = (CommentState.REFUSED, CommentState.REMOVED)


@dataclass(frozen=True)
class Doing:
    """One thing to do with a comment: a POST of its number, or a page to open where it doesn't post."""

    label: str
    key: str
    url: str
    posts: bool = True
    spam: bool = False


@dataclass(frozen=True)
class CommentView:
    """One comment on the desk; `note` is what only staff know of it, `doings` what can be done."""

    row: Row
    state: str
    state_kind: str
    href: str
    note: str
    doings: Sequence[Doing]
    can_be_ticked: bool


def comment_view(row: Row, show: Show | None) -> CommentView:
    """Return a comment as the desk shows it: in the list of `show`, or by itself."""
    state, kind = STATES[row.state]
    return CommentView(
        row=row,
        state=state,
        state_kind=kind,
        href=url_for("staff.comment", public_id=row.said.public_id),
        note=_note(row),
        doings=_doings(row, alone=show is None) if may_act() else (),
        can_be_ticked=may_act() and show in (Show.HELD, Show.SUSPECTED),
    )


def _note(row: Row) -> str:
    if row.said.by_institute:
        return "Written by the institute"
    if not row.email:
        return "No e-mail address, so it can’t become an inquiry"
    return f"{row.email}, {'hears of answers' if row.wants_answers else 'doesn’t hear of answers'}"


def _doings(row: Row, *, alone: bool) -> list[Doing]:
    found = []
    if row.state in (*_WAIT, *_GONE) and row.said.name != NOBODY:
        found.append(Doing("Publish", "p", _url("staff.publish_comment", row)))
    if not alone and row.state not in _GONE:
        answer = url_for("staff.comment", public_id=row.said.public_id, _anchor="answer-text")
        found.append(Doing("Answer", "r", answer, posts=False))
    if row.state in _WAIT:
        found.append(Doing("Refuse", "x", _url("staff.refuse_comment", row)))
        found.append(Doing("Spam", "s", _url("staff.refuse_comment", row), spam=True))
    if row.state is CommentState.PUBLISHED:
        found.append(Doing("Remove", "x", _url("staff.remove_comment", row)))
    if alone and row.state in _GONE and row.said.name != NOBODY:
        found.append(Doing("Forget its words for good", "", _url("staff.forget_comment", row)))
    if row.email and not row.inquiry and row.state not in _GONE:
        found.append(Doing("Make it an inquiry", "q", _url("staff.make_inquiry", row)))
    return found


def _url(endpoint: str, row: Row) -> str:
    return url_for(endpoint, public_id=row.said.public_id, show=request.args.get("show"))
