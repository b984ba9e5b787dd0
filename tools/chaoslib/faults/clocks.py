"""Validators whose clocks are wrong, or jump: libfaketime."""

import glob
import subprocess
import time

from ..network import until
from ..trial import Fault
from ..world import Failure, Unavailable

PROGRESS_SECONDS = 120
# IBFT-R15 allows 500 ms; the rest is for the time between two readings of the clock.
DRIFT_SECONDS = 0.5
LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Clock(Fault):
    name = "clock"
    says = "the clocks of f validators jump an hour ahead or back, or run fast; then right again"
    quick_cycles, full_cycles = 2, 20
    # Whose clock is wrong finds fault with right blocks, and others with its own.
    complaints = ("a proposed block is not valid here",)

    def check_machine(self):
        if not glob.glob(LIBRARIES):
            raise Unavailable("no libfaketime")

    def start(self, trial):
        network = trial.network
        # The library makes memory that it shares with children, and names it in the environment.
        # That moves the environment, beside which the runtime of Swift looks for the arguments of
        # the program: so the memory is made here, by a process that lasts as long as the trial.
        self.holder = subprocess.Popen(
            ["faketime", "-m", "-f", "+0", "sh", "-c", 'echo "$FAKETIME_SHARED"; exec cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        shared = self.holder.stdout.readline().strip()
        if not shared:
            raise Failure("faketime does not say what it shares")
        self.variables = {
            "LD_PRELOAD": glob.glob(LIBRARIES)[0],
            "FAKETIME_SHARED": shared,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        for node in network.nodes:
            network.fill(node)
        network.place_on_loopback()
        network.start()

    def finish(self, trial):
        if getattr(self, "holder", None) is not None:
            self.holder.stdin.close()
            self.holder.wait(30)
            self.holder = None

    @staticmethod
    def file(node):
        return node.network.directory / f"{node.name}.time"

    def set(self, node, offset):
        path = self.file(node)
        fresh = path.with_suffix(".new")
        fresh.write_text(offset + "\n")
        fresh.replace(path)

    def restart(self, node, is_faked):
        """The library is only in nodes whose clock is to be wrong: it costs more than the clock."""
        node.kill()
        node.environment = (
            self.variables | {"FAKETIME_TIMESTAMP_FILE": str(self.file(node))} if is_faked else {}
        )
        node.start()
        node.wait_ready()

    def cycle(self, trial):
        network, draw = trial.network, trial.random
        victims = draw.sample(network.nodes, network.faulty)
        rest = [node for node in network.nodes if node not in victims]
        trial.pause(draw.uniform(0.1, 1))
        for node in victims:
            # An hour each way first, so that a short form has both.
            offset = ("+3600", "-3600")[trial.cycles] if trial.cycles < 2 else draw.choice(
                ["+3600", "-3600", "+2", "-2", f"{draw.uniform(-900, 900):+.1f}"]
            )  # fmt: skip
            starts_right = draw.random() < 0.5
            trial.say(f"{node.name}: {offset} s, {'jumps' if starts_right else 'starts so'}")
            trial.count(f"of {offset[0]}")
            self.set(node, "+0" if starts_right else offset)
            self.restart(node, is_faked=True)
            if starts_right:
                trial.pause(draw.uniform(0, 1))
                self.set(node, offset)
        start = network.top()
        network.wait_progress(rest, 6, PROGRESS_SECONDS, "the others go on")
        trial.pause(draw.uniform(0.5, 2))
        self.check_times(trial, rest[0], start)
        if draw.random() < 0.5:
            for node in victims:
                self.set(node, "+0")
            trial.pause(draw.uniform(0, 1))
        for node in victims:
            self.restart(node, is_faked=False)
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")

    def run(self, trial, cycles, deadline):
        super().run(trial, cycles, deadline)
        if trial.cycles >= 2 and not any(self.complaints[0] in note for note in trial.notes):
            raise Failure("nobody ever found a block of another time: no clock was wrong")

    @staticmethod
    def check_times(trial, honest, start):
        """No wrong clock, so few as there are, pulls the ledger's time away."""
        previous = 0
        for height in range(max(1, start - 1), trial.network.top() + 1):
            block = until(
                PROGRESS_SECONDS,
                f"{honest.name} has {height}",
                lambda: honest.call("eth_getBlockByNumber", hex(height), False),
            )
            stamp = int(block["timestampMs"], 16)
            if stamp < previous or stamp > (time.time() + DRIFT_SECONDS) * 1000:
                raise Failure(
                    f"block {height} says {stamp} ms, after {previous}, at {time.time() * 1000:.0f}"
                )
            previous = stamp
