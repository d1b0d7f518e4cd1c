"""The topics of the contact form, as administrators change them."""

from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts import topic_editing as editing
from tpminstitute.contacts.topic_editing import TopicFacts, TopicProblem
from tpminstitute.contacts.topics import Topic
from tpminstitute.core.errors import Refusal
from tpminstitute.web.common import kept, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.settings_pages import administering, change, number_sent

PLACES = {"up": -1, "down": 1}


@dataclass(frozen=True)
class Typed:
    """A topic's form as it was typed: `key` is the topic, '' for a new one; `problem` is what has to be mended."""

    key: str
    label: str
    heading: str
    problem: TopicProblem


@staff.get("/settings/topics")
@administering
def topic_settings() -> str:
    """Show the topics in the order of the form."""
    return _page(None)


@staff.post("/settings/topics")
@administering
def add_topic() -> Response | tuple[str, int]:
    """Add a topic."""
    facts = _facts()
    try:
        editing.add_topic(session(), facts, me().id)
    except TopicProblem as problem:
        return _page(Typed("", facts.label, facts.heading, problem)), 422
    return _done("It was added.")


@staff.post("/settings/topics/<key>")
@administering
def change_topic(key: str) -> Response | tuple[str, int]:
    """Rename a topic, or put it under another heading."""
    facts = _facts()
    try:
        editing.change_topic(session(), key, number_sent(), facts, me().id)
    except TopicProblem as problem:
        return _page(Typed(key, facts.label, facts.heading, problem)), 422
    except Refusal:
        abort(404)
    return _done("Saved.")


@staff.post("/settings/topics/<key>/move/<direction>")
@administering
def move_topic(key: str, direction: str) -> Response:
    """Move a topic up or down on the form."""
    if direction not in PLACES:
        abort(404)
    moved = PLACES[direction]
    return change("It was moved.", _PAGE, lambda s: editing.move_topic(s, key, moved, me().id))


@staff.post("/settings/topics/<key>/archive")
@administering
def archive_topic(key: str) -> Response:
    """Offer a topic no longer."""
    done = "It is in the archive. Inquiries about it stay, and sequences that it starts wait for it."
    return change(done, _PAGE, lambda s: editing.archive_topic(s, key, me().id))


@staff.post("/settings/topics/<key>/offer")
@administering
def offer_topic(key: str) -> Response:
    """Offer a topic of the archive again."""
    return change("It is on the form again.", _PAGE, lambda s: editing.offer_topic(s, key, me().id))


_PAGE = "staff.topic_settings"


def _facts() -> TopicFacts:
    return TopicFacts(request.form.get("label", "")[:500], request.form.get("heading", "")[:500])


def _done(sentence: str) -> Response:
    kept().forget()
    flash(sentence, "success")
    return redirect(url_for(_PAGE), 303)


def _page(typed: Typed | None) -> str:
    topics = editing.every_topic(session())
    return render_template(
        "staff/settings_topics.html",
        topics=[topic for topic in topics if topic.archived_at is None],
        archived=[topic for topic in topics if topic.archived_at is not None],
        typed=typed,
        stays=Topic.OTHER.value,
        longest_label=editing.LONGEST_LABEL,
        longest_heading=editing.LONGEST_HEADING,
        headings=list(dict.fromkeys(topic.heading for topic in topics if topic.heading)),
    )
