"""How much each sign counts: the whole table on one page. Change it here, then run `python -m tests.screening`.

The points of all signs that a letter shows are added up. Less than `SET_APART_AT` is an honest letter, and nothing
happens. From there on it is kept and set apart. Below `CLEAR_AT` its writer is offered a proof, which takes `PROOF`
points off, so that one who proves it is always through; from there on nothing is said, and a person looks.

No single sign but the trap, an address in the name and a flood reaches the threshold, since each has honest bearers.
"""

from dataclasses import dataclass

SET_APART_AT = 10
CLEAR_AT = 18
PROOF = 8

PLAIN_PROOFS_AN_HOUR = 20
"""How many letters of one network may be confirmed without JavaScript within an hour."""

FOUND_ELSEWHERE = 12
"""What a reason counts that a door brings along, such as the receiving server's verdict on a mail: it is enough."""


@dataclass(frozen=True)
class Reason:
    """One sign that was found: its points, below zero for what speaks for a letter, and a sentence for staff."""

    points: int
    sentence: str

    @property
    def told(self) -> str:
        """The sentence with its points, as it is kept and shown."""
        return f"{self.sentence} ({self.points:+d})" if self.points else self.sentence


@dataclass(frozen=True)
class Sign:
    """What may be found: its points, and its sentence, in which a detail may stand."""

    points: int
    sentence: str

    def found(self, *details: object) -> Reason:
        """Return the reason that this sign is, with its details."""
        return Reason(self.points, self.sentence.format(*details))


@dataclass(frozen=True)
class Kind:
    """A kind of advertisement, told by its phrases: points for the first one, for each further one, and at most."""

    label: str
    first: int
    further: int
    most: int

    def found(self, phrases: list[str]) -> Reason:
        """Return the reason that these phrases are."""
        points = min(self.first + self.further * (len(phrases) - 1), self.most)
        shown = ", ".join(f"“{phrase}”" for phrase in phrases[:MOST_SHOWN])
        return Reason(points, f"It reads like {self.label}: {shown}.")


MOST_SHOWN = 4
"""Words or hosts that a reason names."""

# --- how it was sent ---------------------------------------------------------------------------------------

TRAP = Sign(12, "A line that people can't see was filled in.")
TRAP_BY_A_PROGRAM = Sign(1, "A line that people can't see holds what another line holds; a password manager may do so.")
FAST_SECONDS = 2
FAST = Sign(4, f"It was sent less than {FAST_SECONDS} seconds after the page was made.")

ADDRESS_A_DAY = ((6, Sign(4, "{} letters came from this e-mail address within a day.")),)
NETWORK_AN_HOUR = (
    (40, Sign(5, "{} letters came from this network within an hour.")),
    (100, Sign(10, "100 or more letters came from this network within an hour.")),
)
FORM_A_DAY = ((5, Sign(5, "{} different letters were sent from one and the same opened page.")),)
"""From so many on, so many points; an office with twenty who write at once stays below."""

SAME_TEXT = (
    (1, Sign(3, "Nearly the same text came from {} other address lately.")),
    (2, Sign(5, "Nearly the same text came from {} other addresses lately.")),
    (5, Sign(8, "Nearly the same text came from {} other addresses lately.")),
    (12, Sign(10, "Nearly the same text came from 12 or more other addresses lately.")),
)

# --- who says to have sent it ------------------------------------------------------------------------------

DISPOSABLE = Sign(4, "The e-mail address is a disposable one ({}).")
DOTTED = Sign(2, "The e-mail address has an odd number of dots.")
ADDRESS_IN_NAME = Sign(12, "The name holds a web address.")
HOST_IN_NAME = Sign(4, "The name holds what looks like a web address.")
ODD_NAME = Sign(3, "The name looks as if a machine had made it up.")

# --- what it links to --------------------------------------------------------------------------------------

LINKS = (
    (3, Sign(2, "The message holds {} web addresses.")),
    (5, Sign(5, "The message holds {} web addresses.")),
    (10, Sign(10, "The message holds {} web addresses.")),
)
"""Those of well-known sites, where people show who they are and what they made, aren't counted."""
MARKUP = Sign(8, "The message holds links in the markup of web pages or forums.")
BARE_LINK = Sign(4, "The message is little more than a web address.")
SHORTENED = Sign(4, "A web address hides where it leads ({}).")
CHEAP_DOMAIN = Sign(3, "A web address stands under a domain that costs next to nothing ({}).")
NUMBER_HOST = Sign(4, "A web address is a bare number ({}).")
LOOKALIKE_HOST = Sign(6, "A web address imitates another one by letters of another script ({}).")
LINK_BESIDE = Sign(4, "A web address stands beside what it advertises.")
"""Beside a phrase of an advertisement."""

# --- how it is written -------------------------------------------------------------------------------------

HIDDEN = Sign(4, "Invisible characters stand inside words.")
MIXED_SCRIPT = Sign(4, "Words mix letters of different scripts that look alike.")
SHOUTING = Sign(2, "Most of it is in capitals.")
EXCITED = Sign(2, "It has many exclamation marks or emoji.")
GIBBERISH = Sign(7, "Most of its words can't be said.")
WALLET = Sign(5, "It names a crypto wallet.")

KINDS = {
    "gambling": Kind("an advertisement for gambling", 6, 3, 14),
    "pharma": Kind("an advertisement for medicines", 6, 3, 14),
    "adult": Kind("an advertisement for sex", 6, 3, 14),
    "money": Kind("an offer of quick money", 5, 3, 14),
    "loan": Kind("an offer of a loan or an inheritance", 5, 3, 14),
    "search": Kind("an offer of search engine optimisation", 5, 3, 14),
    "threat": Kind("blackmail", 5, 4, 16),
    "pitch": Kind("a sales pitch", 3, 3, 14),
    "bulk": Kind("a mass mailing", 3, 3, 12),
    "goods": Kind("an advertisement for goods", 4, 3, 12),
}

# --- what speaks for it ------------------------------------------------------------------------------------

OUR_FIELD = (-2, -6, "It speaks of what the institute teaches: {}.")
"""For each such word, and at most."""

LEARNED_MOST = 6
LEARNED_LEAST = -4
LEARNED_SPAM = "Its words stood mostly in what you marked as spam (learned from {} decisions): {}."
LEARNED_HONEST = "Its words stood mostly in what you released (learned from {} decisions): {}."
"""Bounded, so that what was learned sets nothing apart by itself, and clears no clear spam."""

KNOWN = "The institute wrote with this person before, so it was not set apart."
PROVEN = Reason(-PROOF, "Its writer proved that it wasn't a machine's.")


def step(steps: tuple[tuple[int, Sign], ...], count: int) -> Reason | None:
    """Return the reason of the highest of `steps` that `count` reaches, or None below the first."""
    reached = [sign for least, sign in steps if count >= least]
    return reached[-1].found(count) if reached else None
