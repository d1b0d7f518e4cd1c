"""How an import and its problems are called."""

from tpminstitute.exchange.models import ImportState, ProblemKind

STATES = {
    ImportState.CHOOSING: ("Waits for its columns", "act"),
    ImportState.CHECKING: ("Dry run", "grey"),
    ImportState.CHECKED: ("Waits for your word", "act"),
    ImportState.RUNNING: ("Runs", "grey"),
    ImportState.DONE: ("Done", "done"),
    ImportState.REVERTING: ("Is reverted", "grey"),
    ImportState.REVERTED: ("Reverted", "grey"),
}

PROBLEM_KINDS = {
    ProblemKind.LEFT_OUT: ("Left out", "red"),
    ProblemKind.SKIPPED: ("Stays", "grey"),
    ProblemKind.IN_PART: ("In part", "amber"),
}
