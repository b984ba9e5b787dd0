"""A validator that comes back without its disk, or without its votes."""

from ..network import until
from ..trial import Fault
from ..world import Failure

PROGRESS_SECONDS = 120
WATCH_SECONDS = 3


class LostDisk(Fault):
    name = "lost-disk"
    says = "a validator restarts without its ledger, or without its votes: it observes first"
    quick_cycles, full_cycles = 2, 15

    def cycle(self, trial):
        network = trial.network
        victim, *absent = trial.random.sample(network.nodes, 1 + network.faulty)
        is_whole = trial.cycles % 2 == 1
        trial.pause(trial.random.uniform(0.1, 1))
        trial.say(f"{victim.name} loses {'its ledger' if is_whole else 'its votes'}")
        # The others need the victim's votes, so that it mostly dies at a height that is open.
        for node in absent:
            node.kill()
        trial.pause(trial.random.uniform(0.2, 1))
        victim.kill()
        # With f away and one that may not vote, nothing can be decided (CHAOS-13).
        rest = [node for node in network.nodes if node is not victim and node not in absent]
        victim.wipe(*(() if is_whole else ("votes",)))
        victim.start()
        victim.wait_ready()
        height = network.top()
        until(
            PROGRESS_SECONDS,
            lambda: f"{victim.name} catches up: {network.heights([victim, *rest])}",
            lambda: len(set(network.heights([victim, *rest]))) == 1,
        )
        height = network.top()
        trial.pause(WATCH_SECONDS)
        after = network.top()
        trial.checker.logs()
        if after > height:
            raise Failure(
                f"{victim.name} lost {'its ledger' if is_whole else 'its votes'} and votes: with "
                f"{', '.join(node.name for node in absent)} away too, {len(rest)} validators and "
                f"it went on from height {height} to {after}"
            )
        trial.say("the others come back")
        network.start(absent)
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")
        self.wait_seal(trial, victim, rest[0], height)
        trial.count("whole" if is_whole else "votes only")

    def wait_seal(self, trial, victim, witness, height):
        """It votes again, and not below what it had to observe."""
        seen = {"next": height + 1}

        def finds_seal():
            top = witness.height() or 0
            while seen["next"] <= top:
                block = witness.call("beacon_block", hex(seen["next"]))
                names = [seal["validator"] for seal in block["finality"]["seals"]]
                if victim.address in names:
                    if seen["next"] <= height + 2:
                        raise Failure(
                            f"{victim.name} sealed {seen['next']}, and had to observe above "
                            f"{height} for two heights"
                        )
                    trial.say(f"{victim.name} seals {seen['next']}, from {height}")
                    return True
                seen["next"] += 1
            return False

        until(PROGRESS_SECONDS, f"{victim.name} votes again", finds_seal)
