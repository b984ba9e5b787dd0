"""Every fault there is, in the order in which they run."""

from .killing import KillAll, KillRandom
from .pausing import Pause

FAULTS = [KillRandom(), KillAll(), Pause()]
