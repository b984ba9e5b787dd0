"""Validators in network namespaces of their own: packets lost, links cut, the network divided."""

import re
import subprocess

from ..network import PEER_PORT
from ..trial import Fault
from ..world import Failure, run

PROGRESS_SECONDS = 120
RULES = """
flush ruleset
table inet chaos {
  chain in { type filter hook input priority 0; iifname "lo" accept; %s }
  chain out { type filter hook output priority 0; oifname "lo" accept; %s }
}
"""


class Wired(Fault):
    """A bridge, and a link to it from the namespace of each validator."""

    def start(self, trial):
        network = trial.network
        bridge = "chaos"
        run("ip", "link", "add", bridge, "type", "bridge")
        run("ip", "link", "set", bridge, "up")
        for node in network.nodes:
            network.fill(node)
            node.namespace = node.name
            run("ip", "netns", "add", node.name)
            run("ip", "link", "add", f"to-{node.number}", "type", "veth", "peer", "name", "eth0",
                "netns", node.name)  # fmt: skip
            run("ip", "link", "set", f"to-{node.number}", "master", bridge, "up")
            run("ip", "-n", node.name, "address", "add", f"{self.address(node)}/24", "dev", "eth0")
            run("ip", "-n", node.name, "link", "set", "lo", "up")
            run("ip", "-n", node.name, "link", "set", "eth0", "up")
        for node in network.nodes:
            node.configure(
                f"{self.address(node)}:{PEER_PORT}",
                {
                    other.address: f"{self.address(other)}:{PEER_PORT}"
                    for other in network.nodes
                    if other is not node
                },
            )
        network.start()

    def finish(self, trial):
        # Gone with the run in any case; a trial after this one may want the names.
        for node in trial.network.nodes:
            # A namespace is taken down later, in the system's own time; a link at once.
            subprocess.run(["ip", "link", "delete", f"to-{node.number}"], capture_output=True)
            subprocess.run(["ip", "netns", "delete", node.name], capture_output=True)
        subprocess.run(["ip", "link", "delete", "chaos"], capture_output=True)

    @staticmethod
    def address(node):
        return f"10.77.0.{node.number + 1}"

    @staticmethod
    def filter(node, incoming="", outgoing=""):
        """Replaces what is dropped at a node, all at once."""
        done = subprocess.run(
            ["ip", "netns", "exec", node.namespace, "nft", "-f", "-"],
            input=RULES % (incoming, outgoing), text=True, capture_output=True, timeout=30,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"nft: {done.stderr.strip()}")

    def drop_from(self, node, others):
        listed = ", ".join(self.address(other) for other in others)
        self.filter(node, f"ip saddr {{ {listed} }} counter drop;")

    def heal(self, trial):
        """Drops nothing any more. A filter that dropped nothing at all was none."""
        dropped = 0
        for node in trial.network.nodes:
            rules = run("ip", "netns", "exec", node.namespace, "nft", "list", "ruleset")
            dropped += sum(map(int, re.findall(r"counter packets (\d+)", rules)))
            self.filter(node)
        trial.count("packets dropped", dropped)
        return dropped


class Partition(Wired):
    name = "partition"
    says = "f cut off, halves, one direction only, a link down; then healed"
    quick_cycles, full_cycles = 4, 20

    def cycle(self, trial):
        network = trial.network
        harm = (self.cut_off, self.halves, self.one_way, self.link_down)[trial.cycles % 4]
        trial.pause(trial.random.uniform(0.1, 1))
        trial.say(harm.__name__)
        trial.count(harm.__name__.replace("_", " "))
        try:
            harm(trial)
        finally:
            dropped = self.heal(trial)
        if dropped == 0 and harm != self.link_down:
            raise Failure("the filter dropped nothing")
        trial.say("healed")
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")

    def lasts(self, trial):
        """Seldom longer than what a silent connection is borne (NET-20)."""
        is_long = not trial.options.quick and trial.random.random() < 0.2
        trial.pause(25 if is_long else trial.random.uniform(1, 4))

    def divide(self, trial, count):
        away = trial.random.sample(trial.network.nodes, count)
        return away, [node for node in trial.network.nodes if node not in away]

    def cut_off(self, trial):
        away, rest = self.divide(trial, trial.network.faulty)
        for node in away:
            self.drop_from(node, rest)
        for node in rest:
            self.drop_from(node, away)
        trial.network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
        self.lasts(trial)

    def halves(self, trial):
        network = trial.network
        one, other = self.divide(trial, network.validators // 2)
        for node in one:
            self.drop_from(node, other)
        for node in other:
            self.drop_from(node, one)
        before = network.top()
        self.lasts(trial)
        # What a half has votes for already it decides; the next height needs the other's.
        if network.top() > before + 1:
            raise Failure(
                f"halves went on from height {before} to {network.heights()} by themselves"
            )

    def one_way(self, trial):
        """The victims are heard and hear nothing, or the other way round."""
        away, rest = self.divide(trial, trial.network.faulty)
        is_deaf = trial.random.random() < 0.5
        for node in away if is_deaf else rest:
            self.drop_from(node, rest if is_deaf else away)
        trial.network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
        self.lasts(trial)

    def link_down(self, trial):
        away, rest = self.divide(trial, trial.network.faulty)
        for node in away:
            run("ip", "-n", node.namespace, "link", "set", "eth0", "down")
        try:
            trial.network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
            self.lasts(trial)
        finally:
            for node in away:
                run("ip", "-n", node.namespace, "link", "set", "eth0", "up")


class Loss(Wired):
    name = "loss"
    says = "10, 30 or 50 of 100 packets dropped at every validator; then none"
    quick_cycles, full_cycles = 2, 15

    def cycle(self, trial):
        network = trial.network
        percent = (10, 30, 50)[trial.cycles % 3]
        trial.say(f"{percent} % lost")
        trial.count(f"with {percent} %")
        try:
            for node in network.nodes:
                self.filter(node, f"numgen random mod 100 < {percent} counter drop;")
            if percent < 50:
                network.wait_progress(network.nodes, 2, PROGRESS_SECONDS, "all go on")
            trial.pause(trial.random.uniform(2, 4))
        finally:
            dropped = self.heal(trial)
        if dropped == 0:
            raise Failure("the filter dropped nothing")
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")
