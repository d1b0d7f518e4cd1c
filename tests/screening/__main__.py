"""`python -m tests.screening`: weigh the labelled letters, and print the share of each kind that is set apart."""

from tests.screening import WAYS, honest, spam, weigh
from tpminstitute.screening.points import CLEAR_AT
from tpminstitute.screening.service import Verdict


def main() -> None:
    """Print a line a kind and way, then each honest letter that would be set apart, and the spam that isn't."""
    for kind, letters in (("honest", honest()), ("spam", spam())):
        for way, fields in WAYS.items():
            verdicts = [weigh(letter, **fields) for letter in letters]
            apart = sum(verdict.suspected for verdict in verdicts)
            clear = sum(verdict.score >= CLEAR_AT for verdict in verdicts)
            share = f"{apart:>4} of {len(letters)} set apart {apart / len(letters):>6.1%}"
            print(f"{kind:<7}{way:<42}{share}, {clear:>3} of them offered no proof")
    print("\nHonest letters that would be set apart, and how they were sent:")
    for way, fields in WAYS.items():
        for letter in honest():
            if (verdict := weigh(letter, **fields)).suspected:
                _tell(f"{letter.label}, {way}", verdict)
    print("\nSpam that the content alone doesn't tell:")
    for letter in spam():
        if not (verdict := weigh(letter)).suspected:
            _tell(letter.label, verdict)


def _tell(label: str, verdict: Verdict) -> None:
    print(f"{verdict.score:>4}  {label}: {' '.join(verdict.told) or 'nothing was found'}")


if __name__ == "__main__":
    main()
