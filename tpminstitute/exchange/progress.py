"""How far an import is, and what came of it, in words and figures."""

from dataclasses import dataclass

from tpminstitute.exchange.models import Import, ImportState, RowOutcome

_WORKING = {
    ImportState.CHECKING: "Reading every row. Nothing is changed yet.",
    ImportState.RUNNING: "Importing. You may leave this page: it goes on.",
    ImportState.REVERTING: "Taking the import back. You may leave this page: it goes on.",
}

_WILL = {
    RowOutcome.ADDED: "new contacts",
    RowOutcome.CHANGED: "known contacts that get something",
    RowOutcome.SAME: "known contacts that have it all",
    RowOutcome.SKIPPED: "known contacts that are left as they are",
    RowOutcome.LEFT_OUT: "rows left out",
}

_DID = {
    RowOutcome.ADDED: "contacts added",
    RowOutcome.CHANGED: "known contacts changed",
    RowOutcome.SAME: "known contacts had it all",
    RowOutcome.SKIPPED: "known contacts left as they were",
    RowOutcome.LEFT_OUT: "rows left out",
}

_UNDID = {
    "removed": "contacts removed",
    "restored": "known contacts as they were",
    "kept": "stayed, for a reason",
}

_OF_ONE = {
    "new contacts": "new contact",
    "known contacts that get something": "known contact that gets something",
    "known contacts that have it all": "known contact that has it all",
    "known contacts that are left as they are": "known contact that is left as it is",
    "rows left out": "row left out",
    "contacts added": "contact added",
    "known contacts changed": "known contact changed",
    "known contacts had it all": "known contact had it all",
    "known contacts left as they were": "known contact left as it was",
    "contacts removed": "contact removed",
    "known contacts as they were": "known contact as it was",
}
"""The same where it is only one."""


@dataclass(frozen=True)
class Progress:
    """How far a worker is: done of all, in rows or bytes, and what it does, in a sentence."""

    done: int
    all: int
    sentence: str
    state: ImportState

    @property
    def percent(self) -> int:
        """The part that is done."""
        return min(100 * self.done // self.all, 100) if self.all else 0


def progress_of(job: Import) -> Progress:
    """Return how far an import is."""
    done, whole = 0, 1
    if job.state is ImportState.CHECKING:
        done, whole = job.read_bytes, job.readable_bytes or 1
    elif job.state is ImportState.RUNNING:
        done, whole = sum(job.done.values()), job.rows - job.checked.get("left_out", 0)
    elif job.state is ImportState.REVERTING:
        done = job.undone.get("removed", 0) + job.undone.get("restored", 0)
        whole = job.done.get("added", 0) + job.done.get("changed", 0)
    return Progress(done, whole, _WORKING.get(job.state, ""), job.state)


def report_of(job: Import) -> list[tuple[int, str]]:
    """Return what came of the rows, or would come of them: a figure and its words, those of zero left out."""
    if job.state in (ImportState.REVERTING, ImportState.REVERTED):
        counted = [(job.undone.get(key, 0), words) for key, words in _UNDID.items()]
    elif job.state in (ImportState.RUNNING, ImportState.DONE):
        done = job.done | {"left_out": job.checked.get("left_out", 0)}
        counted = [(done.get(outcome, 0), words) for outcome, words in _DID.items()]
    else:
        counted = [(job.checked.get(outcome, 0), words) for outcome, words in _WILL.items()]
    return [(number, _OF_ONE.get(words, words) if number == 1 else words) for number, words in counted if number]
