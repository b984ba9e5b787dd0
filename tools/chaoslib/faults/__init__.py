"""Every fault there is, in the order in which they run."""

from .clocks import Clock
from .cutting_links import Loss, Partition
from .delaying import Delay
from .disks import DiskError, DiskFull, PowerControl, PowerCut
from .killing import KillAll, KillRandom
from .lost_disk import LostDisk
from .pausing import Pause

FAULTS = [
    KillRandom(),
    KillAll(),
    LostDisk(),
    Partition(),
    Loss(),
    Delay(),
    Pause(),
    PowerCut(),
    PowerControl(),
    DiskError(),
    DiskFull(),
    Clock(),
]
