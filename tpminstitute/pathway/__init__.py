"""The pathway check: the guide's questions to its reader, and what it says to the answers."""
