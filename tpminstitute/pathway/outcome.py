"""What the check says to somebody's answers."""

from dataclasses import dataclass

from tpminstitute.contacts.models import Background
from tpminstitute.pathway.checks import STEPS
from tpminstitute.pathway.table import Answers, Kind, Question, Rule, Table


@dataclass(frozen=True)
class Pathway:
    """A pathway of one's own.

    `behind` are the stations passed, `have` what else one has, `here` where one stands, `steps` the next three;
    `fits` and `not_yet` are certifications, `unsaid` the names of those about which too little was answered.
    """

    here: Rule
    behind: list[Rule]
    have: list[Rule]
    steps: list[Rule]
    fits: list[Rule]
    not_yet: list[Rule]
    unsaid: list[str]
    skills: list[Rule]

    @property
    def background(self) -> Background | None:
        """What the reader counts as for follow-ups, None where the answers don't tell."""
        return self.here.background


def pathway_of(table: Table, answers: Answers) -> Pathway:
    """Return what `table`, which has been checked, says to `answers`."""
    said = {kind: [rule for rule in table.of_kind(kind) if rule.is_for(answers)] for kind in Kind}
    spoken_of = {rule.label for kind in (Kind.HAVE, Kind.FITS, Kind.NOT_YET) for rule in said[kind]}
    certifications = dict.fromkeys(rule.label for rule in table.rules if rule.kind in (Kind.FITS, Kind.NOT_YET))
    return Pathway(
        here=said[Kind.HERE][0],
        behind=said[Kind.BEHIND],
        have=said[Kind.HAVE],
        steps=said[Kind.STEP][:STEPS],
        fits=said[Kind.FITS],
        not_yet=said[Kind.NOT_YET],
        unsaid=[label for label in certifications if label not in spoken_of],
        skills=said[Kind.SKILL],
    )


def in_words(table: Table, answers: Answers) -> list[tuple[Question, str]]:
    """Return every question with what was answered, '' where it was skipped."""
    told = []
    for question in table.questions:
        chosen = answers.get(question.key, frozenset())
        told.append((question, "; ".join(answer.label for answer in question.answers if answer.key in chosen)))
    return told
