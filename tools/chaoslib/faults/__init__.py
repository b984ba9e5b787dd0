"""Every fault there is, in the order in which they run."""

from .killing import KillAll, KillRandom
from .lost_disk import LostDisk
from .pausing import Pause

FAULTS = [KillRandom(), KillAll(), LostDisk(), Pause()]
