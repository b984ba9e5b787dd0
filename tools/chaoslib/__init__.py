"""Networks of real processes under faults. Specs/chaos.md has the rules."""
