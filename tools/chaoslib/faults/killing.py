"""Processes killed by SIGKILL, and started again from the disk they left."""

from ..trial import Fault

PROGRESS_SECONDS = 120


class KillRandom(Fault):
    name = "kill-random"
    says = "kill -9 of f validators at random moments; the others go on, and they come back"
    quick_cycles, full_cycles = 3, 25

    def cycle(self, trial):
        network = trial.network
        trial.pause(trial.random.uniform(0.1, 1.5))
        victims = trial.random.sample(network.nodes, network.faulty)
        for node in victims:
            trial.say(f"kill {node.name}")
            node.kill()
            trial.count("kills")
            trial.pause(trial.random.choice([0, trial.random.uniform(0, 0.5)]))
        if trial.random.random() < 0.7:
            rest = [node for node in network.nodes if node not in victims]
            network.wait_progress(rest, 3, PROGRESS_SECONDS, "the others go on")
        for node in victims:
            node.start()
        if trial.random.random() < 0.3:
            # Once more while it recovers, or just after.
            node = trial.random.choice(victims)
            trial.pause(trial.random.uniform(0, 0.3))
            trial.say(f"kill {node.name} again")
            node.kill()
            trial.count("kills")
            node.start()
        for node in victims:
            node.wait_ready()
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")


class KillAll(Fault):
    name = "kill-all"
    says = "kill -9 of all validators at once; they come back in any order"
    quick_cycles, full_cycles = 2, 25

    def cycle(self, trial):
        network = trial.network
        trial.pause(trial.random.uniform(0.2, 2))
        trial.say("kill all")
        for node in trial.random.sample(network.nodes, len(network.nodes)):
            node.kill()
            trial.count("kills")
        for node in trial.random.sample(network.nodes, len(network.nodes)):
            trial.pause(trial.random.choice([0, 0, trial.random.uniform(0, 0.7)]))
            node.start()
        for node in network.nodes:
            node.wait_ready()
        network.wait_progress(network.nodes, 3, PROGRESS_SECONDS, "all go on")
