"""What goes wrong, said in sentences for people."""


class Refusal(Exception):
    """Something that can't be done as asked; its text is a sentence that a person may read.

    The sentence says what happened, what was kept and what to do.
    """


class SettingsError(Refusal):
    """A setting is wrong; the sentence names it and says how to mend it."""
