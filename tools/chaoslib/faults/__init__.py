"""Every fault there is, in the order in which they run."""

from .cutting_links import Loss, Partition
from .delaying import Delay
from .killing import KillAll, KillRandom
from .lost_disk import LostDisk
from .pausing import Pause

FAULTS = [KillRandom(), KillAll(), LostDisk(), Partition(), Loss(), Delay(), Pause()]
