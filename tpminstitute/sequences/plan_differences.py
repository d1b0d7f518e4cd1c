"""What changed between two versions of a sequence, in sentences."""

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Row
from difflib import SequenceMatcher

from tpminstitute.contacts.topics import Topics
from tpminstitute.sequences.plan_checks import StepDraft
from tpminstitute.sequences.words import about, conditions_of, wait_of, window_of

EVERY_TOPIC, ALWAYS = "every topic", "nothing else"


def difference(old: Row[StepDraft], new: Row[StepDraft], subjects: Mapping[str, str], topics: Topics) -> list[str]:
    """Return what changed from the steps of `old` to those of `new`, both with their numbers, a sentence for each.

    Parameters: `subjects`, the subject of each letter by its key; `topics`, all there are.
    """
    before = {step.number: (place, step) for place, step in enumerate(old, 1)}
    kept = {step.number for step in new}
    moved = _moved([step.number for step in old if step.number in kept], [s.number for s in new if s.number in before])
    told = []
    for place, step in enumerate(new, 1):
        name = f"Mail {place}, “{subjects.get(step.letter_key, step.letter_key)}”"
        if step.number not in before:
            told.append(f"{name}, is new: {wait_of(step, first=place == 1)}, {window_of(step)}.")
            continue
        was, earlier = before[step.number]
        if step.number in moved:
            told.append(f"{name}, was mail {was} before.")
        told += [f"{name}: {change}." for change in _changes(earlier, step, subjects, topics)]
    gone = [(place, step) for place, step in enumerate(old, 1) if step.number not in kept]
    told += [f"Mail {place}, “{subjects.get(s.letter_key, s.letter_key)}”, was taken out." for place, s in gone]
    return told


def _moved(old: Row[int | None], new: Row[int | None]) -> set[int | None]:
    """The numbers that stand in another order: as few as say it."""
    in_order = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return set(new) - {number for block in in_order for number in new[block.b : block.b + block.size]}


def _changes(old: StepDraft, new: StepDraft, subjects: Mapping[str, str], topics: Topics) -> Iterator[str]:
    if old.letter_key != new.letter_key:
        yield f"it takes the place of “{subjects.get(old.letter_key, old.letter_key)}”"
    told = {
        "": (wait_of(old), wait_of(new)),
        "out ": (window_of(old), window_of(new)),
        "about ": (about(old.topics, topics) or EVERY_TOPIC, about(new.topics, topics) or EVERY_TOPIC),
        "only if ": (conditions_of(old.conditions, topics) or ALWAYS, conditions_of(new.conditions, topics) or ALWAYS),
    }
    yield from (f"{what}{now} instead of {was}" for what, (was, now) in told.items() if was != now)
