"""The tests; where pytest runs them, nothing is collected from what they import, of which nothing is garbage."""

import sys

from tests.parts import garbage

if "pytest" in sys.modules:
    garbage.wait()
