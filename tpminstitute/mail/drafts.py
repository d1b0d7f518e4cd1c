"""What may stand in a letter: its variables, its length, and the sentences that say what has to be mended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tpminstitute.core.own_keys import REPLY
from tpminstitute.core.text import one_line, without_hidden
from tpminstitute.mail.letters import (
    PREHEADER_LIMIT,
    SUBJECT_LIMIT,
    VALUE_LIMIT,
    Frame,
    LetterError,
    LetterSource,
    filled,
    render,
    variables_in,
)
from tpminstitute.mail.variables import CHAPTERS

BODY_LIMIT = 10_000
"""Characters: some 1,600 words, more than anybody reads in a mail."""

_READER = {
    "greeting": "“Hello Ada,” with the first name, or “Hello,” where none can be told.",
    "first_name": "The first name alone, or “there” where none can be told; right after “Hello”.",
}
_GUIDE_URL = {"guide_url": "The address of the guide, for a link: [the guide]({guide_url})."}
_TOPIC = {"topic": "The topic that was chosen in the contact form."}
_ACKNOWLEDGEMENT = {
    **_READER,
    **_TOPIC,
    "reference": "The short text by which the inquiry is spoken of, such as 7K3M-9Q2X.",
    **_GUIDE_URL,
}
_STEPS = ("first", "second", "third")
PATHWAY = {
    "standing": "Where the reader stands, by the pathway check.",
    "standing_why": "Why, in a sentence about their answers.",
    "behind": "What they have already, one after the other.",
    **{f"{step}_step": f"The {step} of their next three steps." for step in _STEPS},
    **{f"{step}_why": f"Why the {step} step, in a sentence about their answers." for step in _STEPS},
    **{f"{step}_words": f"The guide’s own words for the {step} step." for step in _STEPS},
    "certifications": "Which of the certifications that the guide names fit, and which don’t yet.",
    "skills": "The skills to work on.",
    "pathway_url": "The address of the pathway itself, for a link: [your pathway]({pathway_url}).",
}
"""What a mailed pathway says."""

_UNKNOWN = "words that fit anybody, for a reader whose pathway isn’t known."
OF_PATHWAY = {
    **{f"{step}_step": f"The {step} of the next three steps on their own pathway; {_UNKNOWN}" for step in _STEPS},
    "fitting_certification": f"The certification that fits by their own pathway, or that none does yet; {_UNKNOWN}",
    "pathway_url": "The address of their own pathway, else of its questions: [your pathway]({pathway_url}).",
}
"""What follow-ups may say of a pathway that their reader sent along with a letter."""

_FOLLOW_UP = {
    **_READER,
    **_TOPIC,
    **OF_PATHWAY,
    "chapter": "The title of the guide's chapter that this letter is about.",
    "chapter_url": "The address of that chapter, for a link: [{chapter}]({chapter_url}).",
    **_GUIDE_URL,
}

ALLOWED: Mapping[str, Mapping[str, str]] = {
    "acknowledgement": _ACKNOWLEDGEMENT,
    "acknowledgement-again": _ACKNOWLEDGEMENT,
    "pathway-check": {**_ACKNOWLEDGEMENT, **PATHWAY},
    "guide-to-keep": _ACKNOWLEDGEMENT,
    **dict.fromkeys(CHAPTERS, _FOLLOW_UP),
}
"""The variables of each letter that is shipped, by its key, each with one line on what it stands for."""

_OWN: Mapping[str, str] = {**_READER, **_TOPIC, **_GUIDE_URL, **OF_PATHWAY}

# Every variable at its longest: a letter that can be made of these can be made for every reader.
_LONGEST = {
    **dict.fromkeys([*PATHWAY, *OF_PATHWAY], "W" * VALUE_LIMIT),
    "pathway_url": f"https://{'w' * 60}.example/pathway/{'w' * 300}",
    "greeting": f"Hello {'W' * 40},",
    "first_name": "W" * 40,
    "topic": "W" * 200,
    "reference": "WWWW-WWWW",
    "guide_url": f"https://{'w' * 60}.example/",
    "chapter": max((title for title, _ in CHAPTERS.values()), key=len),
    "chapter_url": f"https://{'w' * 60}.example/#{max((anchor for _, anchor in CHAPTERS.values()), key=len)}",
}
_ANY_FRAME = Frame(
    "W" * 100,
    "w@example.org",
    "W" * 300,
    "W" * 300,
    unsubscribe_url=f"https://{'w' * 300}.example/",
    signature="W" * 300,
    own_url=f"https://{'w' * 300}.example/",
)


@dataclass(frozen=True)
class Problem:
    """What keeps a draft from being saved: in which part of it, and the sentence."""

    part: str
    sentence: str


class DraftError(LetterError):
    """A draft can't be saved as it is; `problems` says why, part by part."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Say all of `problems` in one text."""
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = problems


def allowed_in(key: str) -> Mapping[str, str]:
    """Return the variables of the letter of `key`; one that staff added is about no chapter."""
    return ALLOWED.get(key, _OWN)


def follows_up(key: str) -> bool:
    """Return whether a follow-up may send the letter of `key`: an acknowledgement speaks of one inquiry, and can't.

    Nor can a text for replies, which nobody gets before a person sends it.
    """
    return "reference" not in allowed_in(key) and not is_for_replies(key)


def is_for_replies(key: str) -> bool:
    """Return whether the letter of `key` is a text for replies: plain, without a preheader, for staff to send."""
    return key.startswith(REPLY)


def tidy(subject: str, preheader: str, body: str) -> LetterSource:
    """Return a draft as it is kept: two lines without breaks, the body without characters that nobody sees."""
    return LetterSource(
        one_line(subject, len(subject)),
        one_line(preheader, len(preheader)),
        "\n".join(line.rstrip() for line in without_hidden(body).strip().split("\n")) + "\n",
    )


def problems_of(key: str, source: LetterSource) -> list[Problem]:
    """Return everything that keeps `source` from being saved as the letter of `key`; nothing when it may be."""
    limits = {"subject": SUBJECT_LIMIT, "preheader": PREHEADER_LIMIT, "body": BODY_LIMIT}
    problems = []
    if is_for_replies(key):
        del limits["preheader"]
    for part, limit in limits.items():
        text: str = getattr(source, part)
        if not text.strip():
            problems.append(Problem(part, f"Write the {part}: it is empty."))
        elif len(text) > limit:
            problems.append(
                Problem(part, f"Shorten the {part}: it has {len(text):,} characters, and {limit:,} are the most.")
            )
        else:
            problems += [Problem(part, sentence) for sentence in _about_variables(key, part, text)]
    if problems:
        return problems
    unmade = why_unmade(key, source)
    return [Problem("body", unmade)] if unmade else []


def why_unmade(key: str, source: LetterSource) -> str:
    """Return why the letter of `key` can't be made of `source` for every reader, '' when it can."""
    values = {name: _LONGEST[name] for name in allowed_in(key)}
    try:
        if is_for_replies(key):
            filled(f"{source.subject}\n{source.body}", values)
        else:
            render(source, values, _ANY_FRAME)
    except LetterError as error:
        return str(error)
    except ValueError:  # urllib.parse on an address such as https://[
        return "One of the links can't be an address. Begin it with https:// and a name."
    return ""


def _about_variables(key: str, part: str, text: str) -> list[str]:
    try:
        used = variables_in(LetterSource(**({"subject": "", "preheader": "", "body": ""} | {part: text})))
    except LetterError as error:
        return [str(error)]
    return [no_such_variable(key, name, part) for name in sorted(used - set(allowed_in(key)))]


def no_such_variable(key: str, name: str, part: str) -> str:
    """Return the sentence on a variable that the letter of `key` doesn't know, with the nearest that it does."""
    nearest = max(allowed_in(key), key=lambda allowed: SequenceMatcher(None, name, allowed).ratio())
    return f"The {part} uses {{{one_line(name, 40)}}}, and there is no such variable. The nearest is {{{nearest}}}."
