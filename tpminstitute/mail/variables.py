"""Values that letters may speak of."""

from tpminstitute.core.text import first_name


def greeting(name: str) -> str:
    """Return how a letter begins: with a first name where `name` safely yields one, without where it doesn't."""
    first = first_name(name)
    return f"Hello {first}," if first else "Hello,"
