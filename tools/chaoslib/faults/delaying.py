"""A proxy on every link: delays, stalls and broken connections."""

import json
import pathlib
import subprocess
import sys

from ..network import PEER_PORT
from ..trial import Fault
from ..world import Failure

PROGRESS_SECONDS = 180
PROXY_PORT = 24000
PROXY = pathlib.Path(__file__).parents[1] / "proxy.py"


class Delay(Fault):
    name = "delay"
    says = "10 to 100 ms on every link, streams that overtake each other, stall, or break"
    quick_cycles, full_cycles = 2, 20

    def start(self, trial):
        network = trial.network
        routes = []
        for node in network.nodes:
            network.fill(node)
            places = {}
            for other in network.nodes:
                if other is not node:
                    port = PROXY_PORT + 32 * node.number + other.number
                    routes.append((port, PEER_PORT + other.number))
                    places[other.address] = f"127.0.0.1:{port}"
            node.configure(f"127.0.0.1:{PEER_PORT + node.number}", places)
        self.ports = [port for port, _ in routes]
        with open(trial.directory / "proxy.log", "ab") as log:
            self.proxy = subprocess.Popen(
                [sys.executable, "-B", str(PROXY), str(trial.random.random()), json.dumps(routes)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        if self.proxy.stdout.readline() != "ready\n":
            raise Failure(f"the proxy did not start: {trial.directory}/proxy.log")
        network.start()

    def finish(self, trial):
        if getattr(self, "proxy", None) is not None:
            self.proxy.kill()
            self.proxy.wait()
            self.proxy = None

    def tell(self, **command):
        if self.proxy.poll() is not None:
            raise Failure("the proxy ended by itself")
        self.proxy.stdin.write(json.dumps(command) + "\n")
        self.proxy.stdin.flush()

    def expect_traffic(self, trial):
        """Validators that found each other without the proxy would not be delayed."""
        self.tell(tell=True)
        pieces = int(self.proxy.stdout.readline())
        forwarded = trial.notes.get("pieces forwarded", 0)
        if pieces <= forwarded:
            raise Failure(f"the proxy forwarded nothing, {pieces} pieces in all")
        trial.count("pieces forwarded", pieces - forwarded)

    def cycle(self, trial):
        network, draw = trial.network, trial.random
        # The first and second bound the range, and short forms have them.
        mean = (10, 100)[trial.cycles] if trial.cycles < 2 else draw.uniform(10, 100)
        trial.say(f"{mean:.0f} ms")
        self.tell(delay=[mean / 2, mean * 3 / 2])
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, f"all go on at {mean:.0f} ms")
        for _ in range(3):
            some = draw.sample(self.ports, draw.randrange(1, len(self.ports) // 2))
            if draw.random() < 0.5:
                trial.say(f"stall {len(some)} of {len(self.ports)} links")
                trial.count("stalls")
                self.tell(stall=some)
                trial.pause(draw.uniform(0.3, 2))
                self.tell(stall=[])
            else:
                trial.say(f"break {len(some)} of {len(self.ports)} links")
                trial.count("breaks")
                self.tell(cut=some)
                trial.pause(draw.uniform(0, 1))
        # The delay stays on while all is checked.
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, f"all go on at {mean:.0f} ms")
        self.expect_traffic(trial)
