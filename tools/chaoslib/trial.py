"""One fault on one network: set up, cycles, checks, and what it came to."""

import random
import time

from .checks import Checker
from .load import Load
from .network import Network
from .world import Failure


class Fault:
    """What is done to a network. One file of `faults` each; the class says what it is called.

    `start` makes the network, `cycle` does harm and undoes it, `finish` takes back what `start`
    set up beside processes. The trial checks after every cycle.
    """

    name = says = ""
    # Cycles of a short form and of a run that says nothing else.
    quick_cycles, full_cycles = 1, 10
    # Beginnings of complaints in a log that the fault explains.
    complaints = ()
    # Transfers a second.
    rate = 60
    # Debian packages beside those every fault needs.
    packages = ()

    def check_machine(self):
        """Throws `Unavailable` where this machine cannot do it."""

    def start(self, trial):
        for node in trial.network.nodes:
            trial.network.fill(node)
        trial.network.place_on_loopback()
        trial.network.start()

    def cycle(self, trial):
        raise NotImplementedError

    def run(self, trial, cycles, deadline):
        trial.run_cycles(cycles, deadline)

    def finish(self, trial):
        pass


class Trial:
    def __init__(self, fault, options, tally, template, directory):
        self.fault, self.options = fault, options
        self.directory = directory / fault.name
        self.directory.mkdir()
        self.network = Network(tally, template, self.directory / "net", options.validators)
        # Each fault draws its own numbers: they are the same when it runs alone.
        self.random = random.Random(f"{options.seed}/{fault.name}")
        self.journal = open(self.directory / "journal", "w", encoding="utf-8", buffering=1)
        self.load = Load(self.network, self.random.random(), fault.rate)
        self.checker = Checker(self)
        self.cycles = 0
        self.begun = time.monotonic()
        self.notes = {}

    def say(self, text):
        line = f"{time.monotonic() - self.begun:7.2f} {text}"
        self.journal.write(line + "\n")
        if self.options.verbose:
            print(f"  {self.fault.name}: {line}", flush=True)

    def count(self, what, number=1):
        """Adds to what is told beside the cycles."""
        self.notes[what] = self.notes.get(what, 0) + number

    def pause(self, seconds):
        """Lets the fault last. A time of the schedule, not one that anything is judged by."""
        time.sleep(seconds)

    def run(self, cycles, deadline):
        """Throws `Failure` with the first promise that was not kept."""
        try:
            self.fault.run(self, cycles, deadline)
        except Failure as failure:
            self.say(f"FAILED: {failure}")
            raise
        finally:
            self.load.is_ending.set()
            self.network.kill()
            self.load.end()
            self.fault.finish(self)
            self.journal.close()

    def begin(self):
        self.say("start")
        self.fault.start(self)
        self.load.start()
        self.load.go()
        self.network.wait_progress(self.network.nodes, 2, 120, "a first block")

    def run_cycles(self, cycles, deadline):
        self.begin()
        while self.cycles < cycles and (
            self.cycles == 0 or deadline is None or time.monotonic() < deadline
        ):
            self.say(f"cycle {self.cycles + 1}")
            self.load.go()
            self.fault.cycle(self)
            self.cycles += 1
            self.say("check")
            self.checker.everything()
            self.say(f"{self.load.count_acknowledged()} acknowledged, none lost")
        self.checker.acknowledged(is_last=True)
        self.load.end()
        self.say("stop")
        self.network.stop()
        self.checker.logs()
        self.say("audit")
        self.checker.directories()
        if not self.load.acknowledged:
            raise Failure("nothing was acknowledged, so nothing was tested")
