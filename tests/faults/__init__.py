"""The failure matrix: real processes, real faults, and a count of what was promised against what arrived."""
