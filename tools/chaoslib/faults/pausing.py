"""Processes that stop for a while and know nothing of it: SIGSTOP and SIGCONT."""

from ..trial import Fault

PROGRESS_SECONDS = 120


class Pause(Fault):
    name = "pause"
    says = "SIGSTOP of f validators, of more, and of all, for seconds; then SIGCONT"
    quick_cycles, full_cycles = 3, 20

    def cycle(self, trial):
        network = trial.network
        # In turn: what the network bears, what halts it, and everything.
        count = (network.faulty, network.faulty + 1, network.validators)[trial.cycles % 3]
        victims = trial.random.sample(network.nodes, count)
        trial.pause(trial.random.uniform(0.1, 1))
        try:
            for node in victims:
                trial.say(f"stop {node.name}")
                node.pause()
                trial.count("pauses")
            if count == network.faulty:
                rest = [node for node in network.nodes if node not in victims]
                network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
            # One in five lasts beyond what a silent connection is borne (NET-20).
            is_long = not trial.options.quick and trial.random.random() < 0.2
            trial.pause(24 if is_long else trial.random.uniform(0.5, 3))
        finally:
            for node in victims:
                node.resume()
        trial.say("continue")
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")
