"""How long things last for somebody at their own page."""

from datetime import timedelta

A_DAY = timedelta(days=1)
"""How long somebody may think again before they are erased, and within how long mails to them are counted."""
