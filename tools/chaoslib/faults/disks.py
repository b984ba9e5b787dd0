"""Disks that fail: cut off in the middle of writing, full, or answering by an error."""

import errno
import fcntl
import os
import re
import struct
import subprocess

from ..network import until
from ..rpc import Refused, Unreachable
from ..trial import Fault
from ..world import Failure, Unavailable, run

PROGRESS_SECONDS = 120
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
CLEAR_ERROR = re.compile(r"^tally: .*(failed with errno 5\b|Input/output error).*(again|start)")


class OwnDisks(Fault):
    """Each validator's directory lies in a file system of its own."""

    def disk(self, node):
        return node.network.directory / f"disk-{node.number + 1}"

    def start(self, trial):
        network = trial.network
        for node in network.nodes:
            disk = self.disk(node)
            disk.mkdir()
            node.directory = disk / "ledger"
            self.make(node)
            self.mount(node)
            network.fill(node)
        network.place_on_loopback()
        # The directories themselves were there long before.
        os.sync()
        network.start()

    def make(self, node):
        pass

    def mount(self, node):
        raise NotImplementedError

    def finish(self, trial):
        for node in trial.network.nodes:
            subprocess.run(["umount", "--lazy", str(self.disk(node))], capture_output=True)


class PowerCut(OwnDisks):
    name = "power-cut"
    says = "ext4 shut down without its journal: of f, of all; with and after the processes"
    quick_cycles, full_cycles = 3, 25
    # Until it dies, a node whose disk is gone complains.
    complaints = ("checkpoint failed",)

    def check_machine(self):
        if not os.path.exists("/dev/loop-control"):
            raise Unavailable("no loop devices")

    def image(self, node):
        return self.disk(node).with_suffix(".ext4")

    def make(self, node):
        with open(self.image(node), "wb") as image:
            image.truncate(192 << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", self.image(node))

    def mount(self, node):
        run("mount", "-o", "loop", self.image(node), self.disk(node))

    def cut(self, node):
        """From now on nothing reaches the disk, and what the journal held in memory is gone."""
        handle = os.open(self.disk(node), os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def power_on(self, nodes):
        for node in nodes:
            run("umount", self.disk(node))
            self.mount(node)

    def cycle(self, trial):
        network = trial.network
        is_everybody = trial.cycles % 2 == 1
        count = network.validators if is_everybody else network.faulty
        victims = trial.random.sample(network.nodes, count)
        trial.pause(trial.random.uniform(0.2, 2))
        # A process may live on over a disk that is gone, and must promise nothing then.
        lingers = trial.random.choice([0, 0, trial.random.uniform(0, 1)])
        trial.say(f"cut {', '.join(node.name for node in victims)}; die after {lingers:.2f} s")
        trial.count("cuts", count)
        for node in victims:
            self.cut(node)
        trial.pause(lingers)
        for node in victims:
            node.kill()
        rest = [node for node in network.nodes if node not in victims]
        if rest:
            network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
        self.power_on(victims)
        network.start(victims)
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")


class PowerControl(PowerCut):
    name = "power-control"
    says = "the same with syncs left out by libeatmydata: it must lose what was acknowledged"
    quick_cycles, full_cycles = 1, 3

    def start(self, trial):
        for node in trial.network.nodes:
            node.environment = {"LD_PRELOAD": "libeatmydata.so"}
        super().start(trial)

    def run(self, trial, cycles, deadline):
        """One cut of all. A test that finds nothing lost here would find nothing anywhere."""
        trial.begin()
        network, load = trial.network, trial.load
        until(PROGRESS_SECONDS, "100 acknowledged", lambda: load.count_acknowledged() >= 100)
        for node in network.nodes:
            self.cut(node)
        for node in network.nodes:
            node.kill()
        load.end()
        receipts, _ = load.snapshot()
        self.power_on(network.nodes)
        kept = set()
        for node in network.nodes:
            node.start()
        for node in network.nodes:
            try:
                node.wait_ready()
            except Failure as refusal:
                trial.say(f"{refusal}")
                trial.count("refused to start")
        calls = [("eth_getTransactionReceipt", each["transactionHash"]) for each in receipts]
        for node in network.running:
            for receipt, answer in zip(receipts, node.client.batch(calls)):
                if answer == receipt:
                    kept.add(receipt["transactionHash"])
        missing = len(receipts) - len(kept)
        trial.count("acknowledged and gone, as it has to be", missing)
        if missing == 0:
            raise Failure(
                f"without syncs all {len(receipts)} acknowledged transfers were still there: the "
                "cut does not cut"
            )
        trial.cycles = 1


class DiskError(Fault):
    name = "disk-error"
    says = "writes or syncs of f validators fail by EIO (libfiu): each stops and says why"
    quick_cycles, full_cycles = 3, 20
    complaints = ("checkpoint failed",)
    POINTS = ("posix/io/sync/fdatasync", "posix/io/rw/pwrite", "posix/io/rw/writev")

    def start(self, trial):
        self.pipes = trial.directory / "fiu"
        network = trial.network
        for node in network.nodes:
            network.fill(node)
        network.place_on_loopback()
        for node in network.nodes:
            self.arm(node)
        network.start()

    def arm(self, node):
        node.launcher = ["fiu-run", "-x", "-f", self.pipes]

    def cycle(self, trial):
        network = trial.network
        point = self.POINTS[trial.cycles % len(self.POINTS)]
        victims = trial.random.sample(network.nodes, network.faulty)
        rest = [node for node in network.nodes if node not in victims]
        trial.pause(trial.random.uniform(0.1, 1.5))
        chance = trial.random.choice([1.0, 0.3, 0.05])
        for node in victims:
            trial.say(f"{node.name}: {point} fails, {chance} of the times")
            run(
                "fiu-ctrl", "-f", self.pipes, "-c",
                f"enable_random name={point},probability={chance},failinfo={errno.EIO}",
                node.process.pid,
            )  # fmt: skip
            trial.count(point.rsplit("/", 1)[1])
        for node in victims:
            code = node.wait_end(PROGRESS_SECONDS)
            trial.say(f"{node.name} ended with {code}: {node.last_words(1)}")
            if code != 1 or not CLEAR_ERROR.search(node.last_words(1)):
                raise Failure(
                    f"{node.name} was to stop with code 1 and a clear error when {point} failed, "
                    f"and ended with {code}: {node.last_words()}"
                )
        network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
        network.start(victims)
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")


class DiskFull(OwnDisks):
    name = "disk-full"
    says = "no space for f validators, for all: transfers are refused; then space again"
    quick_cycles, full_cycles = 2, 15
    complaints = ("the disk is full", "there is space again")

    def mount(self, node):
        run("mount", "-t", "tmpfs", "-o", "size=256m,mode=0700", "tally-chaos", self.disk(node))

    def fill(self, node, left):
        """A file that leaves `left` bytes of the disk."""
        disk = self.disk(node)
        with open(disk / "ballast", "wb") as ballast:
            for _ in range(100):
                state = os.statvfs(disk)
                free = state.f_bavail * state.f_frsize
                try:
                    os.posix_fallocate(ballast.fileno(), 0, max(4096, free - left))
                    return
                except OSError as error:
                    # The node took space meanwhile, and nothing was taken here.
                    if error.errno != errno.ENOSPC:
                        raise
        raise Failure(f"{disk} could not be filled")

    def cycle(self, trial):
        network, draw = trial.network, trial.random
        is_everybody = trial.cycles % 2 == 1
        victims = draw.sample(network.nodes, network.validators if is_everybody else network.faulty)
        rest = [node for node in network.nodes if node not in victims]
        trial.pause(draw.uniform(0.1, 1))
        for node in victims:
            left = draw.randrange(4096, 100_000)
            trial.say(f"{node.name} has {left} bytes left")
            self.fill(node, left)
            trial.count("shortages")
        # Where all of them run short the ledger halts at the first few; the rest has its space.
        threshold = 1 if rest else network.faulty + 1
        refusing = until(
            PROGRESS_SECONDS,
            "a node refuses transfers for want of space",
            lambda: (lambda full: len(full) >= (len(victims) if rest else threshold) and full)(
                [node for node in victims if self.is_full(node)]
            ),
        )
        for node in refusing:
            self.expect_refusal(trial, node)
        if rest:
            network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
        again = draw.random() < 0.4
        if again:
            node = draw.choice(victims)
            trial.say(f"kill {node.name} on its full disk")
            trial.count("kills")
            node.kill()
            node.start()
            node.wait_ready()
        trial.say("space again")
        for node in victims:
            (self.disk(node) / "ballast").unlink()
        until(
            PROGRESS_SECONDS,
            "all take transfers again",
            lambda: all((node.info() or {}).get("takesTransactions") for node in network.nodes),
        )
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")

    @staticmethod
    def is_full(node):
        return (node.info() or {}).get("takesTransactions") is False

    @staticmethod
    def expect_refusal(trial, node):
        """STORE-17: an error of its own, which says that it can be sent again."""
        transfer = trial.load.spare()
        try:
            answer = node.call("eth_sendRawTransaction", transfer)
        except Refused as refusal:
            if refusal.reason == "diskFull" and refusal.is_retryable:
                trial.count("refusals")
                return
            answer = f"{refusal} ({refusal.reason})"
        except Unreachable as error:
            answer = error
        if DiskFull.is_full(node):
            raise Failure(f"{node.name} has no space and answers a transfer by {answer}")
