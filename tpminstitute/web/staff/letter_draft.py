"""A letter while it is being written: its form, its check, and what the editor shows of it."""

from dataclasses import dataclass, replace
from typing import Any

from flask import url_for
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import HiddenField, StringField, TextAreaField

from tpminstitute.core.config import Settings
from tpminstitute.core.tokens import Signer, public_id
from tpminstitute.inbox.previews import Reader, letter_for, newest_readers, reader_of, variables_for
from tpminstitute.mail.drafts import Problem, allowed_in, problems_of, tidy
from tpminstitute.mail.letters import Letter, LetterError, LetterSource
from tpminstitute.mail.templates import newest_version
from tpminstitute.web.common import settings
from tpminstitute.web.staff.access import may_act, me


class LetterForm(FlaskForm):
    """A draft, the version that it was begun from, and for whom it is previewed."""

    subject = StringField("Subject")
    preheader = StringField("Preheader")
    body = TextAreaField("Letter")
    reader = HiddenField()
    based_on = HiddenField()
    nonce = HiddenField()

    def source(self) -> LetterSource:
        """Return the draft as it would be saved."""
        return tidy(self.subject.data or "", self.preheader.data or "", self.body.data or "")

    def base(self) -> int:
        """Return the number of the version that the draft was begun from, -1 when the form doesn't say."""
        text = str(self.based_on.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1

    def show(self, problems: list[Problem]) -> None:
        """Put each problem's sentence to its field."""
        for name in ("subject", "preheader", "body"):
            self[name].errors = [problem.sentence for problem in problems if problem.part == name]


@dataclass(frozen=True)
class Check:
    """What saving a draft would say, and the letter it makes when it can be saved."""

    problems: list[Problem]
    letter: Letter | None
    preview_url: str
    values: dict[str, str]

    @property
    def verdict(self) -> str:
        """The check in one line."""
        if not self.problems:
            return "This can be saved."
        return "One thing has to be mended." if len(self.problems) == 1 else f"{len(self.problems)} things to mend."

    def as_json(self) -> dict[str, Any]:
        """Return it for the script in the page."""
        sentences = dict.fromkeys(("subject", "preheader", "body"), "")
        for problem in self.problems:
            sentences[problem.part] = f"{sentences[problem.part]} {problem.sentence}".strip()
        shown = {}
        if self.letter is not None:
            shown = {"subject": self.letter.subject, "preheader": self.letter.preheader, "text": self.letter.text}
        return {
            "problems": sentences,
            "verdict": self.verdict,
            "letter": shown,
            "preview_url": self.preview_url,
            "values": self.values,
        }


def drafts(settings: Settings) -> Signer:
    """Return the signer of drafts in a preview's address: nobody can make our desk show a text of theirs."""
    return Signer(settings.secret_key, "letter-preview")


def check(session: Session, settings: Settings, key: str, draft: LetterSource, reader: Reader) -> Check:
    """Check a draft as saving does, and make the letter that `reader` would get."""
    problems = problems_of(key, draft)
    made = None
    if not problems:
        try:
            made = letter_for(settings, key, draft, reader)
        except LetterError as error:
            problems = [Problem("body", str(error))]
    token = drafts(settings).sign([draft.subject, draft.preheader, draft.body, reader.public_id]) if made else ""
    url = url_for("staff.preview_letter", key=key, draft=token) if made else ""
    return Check(problems, made, url, variables_for(settings, key, reader))


def editor(
    session: Session, key: str, form: LetterForm, draft: LetterSource, reader_id: str, *, untouched: bool
) -> dict[str, Any]:
    """Return what the editor's page shows beside the form, and put the problems of `draft` to its fields.

    An `untouched` draft has none: nobody is told that it is empty before they began.
    """
    reader = reader_of(session, reader_id)
    readers = list(newest_readers(session))
    checked = check(session, settings(), key, draft, reader)
    if untouched:
        checked = replace(checked, problems=[])
    form.show(checked.problems)
    form.nonce.data = public_id()
    return {
        "check": checked,
        "reader": reader,
        "readers": readers if reader in readers else [reader, *readers],
        "allowed": allowed_in(key),
        "version": newest_version(session, key),
        "may_act": may_act(),
        "test_to": me().email,
    }
