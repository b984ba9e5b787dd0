"""What has to hold after every fault. Specs/chaos.md, CHAOS-4 and after."""

import json
import subprocess

from .network import LEVEL, until
from .rpc import Refused, Unreachable
from .world import Failure

PROGRESS_SECONDS = 120
SETTLE_SECONDS = 180
SAMPLE = 300


class Checker:
    """Compares what the nodes of a network say with each other, and with what they said before."""

    def __init__(self, trial):
        self.trial, self.network, self.load = trial, trial.network, trial.load
        self.checked = 0
        self.lost = 0
        self.looked_up = 0
        self.compared_to = 0

    # CHAOS-5: everything offered becomes final, and everybody has it.
    def settle(self):
        self.load.hold()
        until(
            SETTLE_SECONDS,
            lambda: f"{self.load.count_waiting()} transfers under way become final; the heights "
            f"are {self.network.heights()}; {'; '.join(self.load.problems[:3])}",
            lambda: self.expect_running() and self.load.count_waiting() == 0 or self.load.problems,
            pause=0.1,
        )
        self.load.expect_no_problems()
        top = self.network.top()
        until(
            PROGRESS_SECONDS,
            lambda: f"all nodes reach {top}: {self.network.heights()}",
            lambda: all(height is not None and height >= top for height in self.network.heights()),
        )
        return top

    def expect_running(self):
        for node in self.network.nodes:
            if not node.is_running:
                code = node.process.returncode if node.process else "nothing"
                raise Failure(f"{node.name} ended by itself with {code}: {node.last_words()}")
        return True

    # CHAOS-4
    def agreement(self, top):
        """Every node names the same block at every height, the one that was seen first."""
        start = max(1, self.compared_to - 5)
        _, seen = self.load.snapshot()
        for first in range(start, top + 1, 100):
            heights = range(first, min(first + 99, top) + 1)
            found = [
                self.ask(node, [("eth_getBlockByNumber", hex(height), False) for height in heights])
                for node in self.network.nodes
            ]
            for place, height in enumerate(heights):
                hashes = [blocks[place]["hash"] if blocks[place] else None for blocks in found]
                if height in seen:
                    hashes.append(seen[height])
                if len(set(hashes)) != 1:
                    raise Failure(f"height {height}: the nodes and what was seen: {hashes}")
        self.compared_to = top

    # CHAOS-3
    def acknowledged(self, is_last):
        """Receipts that were shown are shown by everybody: all new ones, a sample of the old."""
        receipts, _ = self.load.snapshot()
        chosen = receipts[self.checked :]
        older = receipts[: self.checked]
        if is_last or len(older) <= SAMPLE:
            chosen = older + chosen
        else:
            chosen += self.trial.random.sample(older, SAMPLE)
        self.checked = len(receipts)
        missing = []
        for start in range(0, len(chosen), 50):
            part = chosen[start : start + 50]
            calls = [("eth_getTransactionReceipt", each["transactionHash"]) for each in part]
            for node in self.network.nodes:
                for receipt, answer in zip(part, self.ask(node, calls)):
                    self.looked_up += 1
                    if answer != receipt:
                        missing.append((node.name, receipt["transactionHash"], receipt, answer))
        if missing:
            self.lost += len({entry[1] for entry in missing})
            name, digest, receipt, answer = missing[0]
            raise Failure(
                f"{self.lost} acknowledged transfers lost or changed, first {digest} at {name}: "
                f"{json.dumps(receipt)} was shown, now {json.dumps(answer)}"
            )

    def ask(self, node, calls):
        for attempt in range(4):
            try:
                answers = node.client.batch(calls)
                break
            except Unreachable as error:
                if attempt == 3:
                    raise Failure(f"{node.name} does not answer: {error}") from error
        for answer in answers:
            if isinstance(answer, Refused):
                raise Failure(f"{node.name} answers {answer} ({answer.reason})")
        return answers

    # CHAOS-6
    def logs(self):
        """No complaint but those that the fault explains; nobody banned, no rule broken."""
        for node in self.network.nodes:
            for line in node.new_lines():
                complaint = LEVEL.match(line)
                if not complaint:
                    continue
                for text in self.trial.fault.complaints:
                    if complaint[2].startswith(text):
                        self.trial.count(f"x “{text}”")
                        break
                else:
                    raise Failure(f"{node.name} says: {line}")

    # CHAOS-7
    def directories(self):
        """With the nodes stopped: the supply audit and the look at every row."""
        for node in self.network.nodes:
            for verb in (["audit", "supply"], ["db", "verify"]):
                done = subprocess.run(
                    [str(self.network.tally), *verb, "--json", "--data-dir", str(node.directory)],
                    capture_output=True, text=True, timeout=300,
                    env={"PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"},
                )  # fmt: skip
                if done.returncode != 0:
                    said = (done.stdout or done.stderr).strip()[-600:]
                    raise Failure(f"tally {' '.join(verb)} of {node.name} finds: {said}")

    def everything(self):
        top = self.settle()
        self.agreement(top)
        self.acknowledged(is_last=False)
        self.logs()
