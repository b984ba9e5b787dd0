"""Validators as processes: where they listen, how they are started, signalled and stopped."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from .rpc import Client, Refused, Unreachable
from .world import Failure

READY_SECONDS = 90
STOP_SECONDS = 60
# The first ports are below those the system gives to outgoing connections (LOCAL-4).
RPC_PORT, PEER_PORT = 21000, 22000
LEDGER = ("beacon", "votes", "VERSION", "LOCK", "log")
LEVEL = re.compile(r"^\S+Z (warning|error|critical) +(?:(?:ledger|peers): )?(.*)$")


def faulty(validators):
    """How many of them may be away: F of IBFT-R1."""
    return (validators - 1) // 3


def until(seconds, says, condition, pause=0.05):
    """Polls until `condition` answers something true, and answers that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {says() if callable(says) else says}")
        time.sleep(pause)


class Node:
    """One validator: its directory, its process when it has one, and what its log said."""

    def __init__(self, network, number, address):
        self.network, self.number, self.address = network, number, address
        self.name = f"node-{number + 1}"
        self.directory = network.directory / self.name
        self.log_path = network.directory / f"{self.name}.log"
        self.namespace = None
        # What goes before the program, and into its environment.
        self.launcher, self.environment = [], {}
        self.process = None
        self.is_paused = False
        self.read_to = 0
        self.client = None
        # The exit code of the newest process that ended by itself, once somebody waited for that.
        self.ended_with = None

    @property
    def rpc_port(self):
        return RPC_PORT + self.number

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def new_client(self, timeout=5):
        return Client(self.rpc_port, self.namespace, timeout)

    def call(self, method, *parameters):
        return self.client.call(method, *parameters)

    def configure(self, listen, places):
        listed = ",".join(f"{address}@{place}" for address, place in places.items())
        (self.directory / "config.toml").write_text(
            f'[rpc]\nport = {self.rpc_port}\n[peer]\nlisten = "{listen}"\nplaces = "{listed}"\n'
            '[log]\nlevel = "info"\nformat = "text"\n'
            # Checkpoints soon, so that what disturbs them is not rare.
            "[checkpoint]\nheights = 8\n"
        )

    def start(self):
        if self.is_running:
            raise AssertionError(f"{self.name} runs already")
        command = [*self.launcher]
        if self.namespace:
            command = ["nsenter", f"--net=/run/netns/{self.namespace}", *command]
        command += [
            self.network.tally, "start", "--data-dir", self.directory,
            "--password-file", self.network.password,
        ]  # fmt: skip
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SWIFT_BACKTRACE": "enable=no"}
        self.client = self.new_client()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment | self.environment, start_new_session=True,
            )  # fmt: skip
        self.is_paused = False

    def wait_ready(self, seconds=READY_SECONDS):
        def is_ready():
            if not self.is_running:
                raise Failure(
                    f"{self.name} ended with {self.process.returncode} instead of starting: "
                    + self.last_words()
                )
            return self.info() is not None

        until(seconds, f"{self.name} answers", is_ready)

    def info(self):
        try:
            return self.call("node_info")
        except (Unreachable, Refused):
            return None

    def height(self):
        """Of the newest block; `None` while the node does not answer."""
        try:
            return int(self.call("eth_blockNumber"), 16)
        except (Unreachable, Refused):
            return None

    def kill(self):
        """SIGKILL. Only ever to a process that was started here and is not yet waited for."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()
        self.is_paused = False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.is_paused = True

    def resume(self):
        if self.is_running:
            self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def terminate(self):
        if self.is_running:
            self.process.terminate()

    def wait_end(self, seconds=STOP_SECONDS):
        """The exit code of a process that ends by itself."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds} s") from None
        return code

    def new_lines(self):
        """What the log says since this was asked last."""
        try:
            with open(self.log_path, "rb") as log:
                log.seek(self.read_to)
                text = log.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self.read_to += len(whole)
        return whole.decode(errors="replace").splitlines()

    def last_words(self, lines=3):
        try:
            return " | ".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def wipe(self, *names):
        """Removes parts of the ledger; without names all of it, as on a new disk."""
        for path in self.directory.iterdir():
            chosen = path.name in (names or LEDGER) or (
                not names and path.name.startswith("shard-")
            )
            if not chosen or path.name == "VERSION":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


class Network:
    """Validators of one ledger, all on 127.0.0.1 unless a fault places them otherwise."""

    def __init__(self, tally, template, directory, validators):
        self.tally, self.directory, self.validators = tally, directory, validators
        directory.mkdir()
        self.password = template / "password"
        state = json.loads((template / "localnet.json").read_text())
        self.nodes = [
            Node(self, number, entry["address"]) for number, entry in enumerate(state["nodes"])
        ]
        self.accounts = json.loads((template / "accounts.json").read_text())
        self.template = template

    def fill(self, node):
        """Gives a node its key and genesis, and no ledger."""
        source = self.template / node.name
        node.directory.mkdir()
        for name in ("genesis.json", "VERSION", "peer.pem"):
            shutil.copy2(source / name, node.directory / name)
        shutil.copytree(source / "keys", node.directory / "keys")
        for path in (node.directory, node.directory / "keys"):
            path.chmod(0o700)

    def place_on_loopback(self):
        for node in self.nodes:
            node.configure(
                f"127.0.0.1:{PEER_PORT + node.number}",
                {
                    other.address: f"127.0.0.1:{PEER_PORT + other.number}"
                    for other in self.nodes
                    if other is not node
                },
            )

    @property
    def faulty(self):
        return faulty(self.validators)

    @property
    def running(self):
        return [node for node in self.nodes if node.is_running]

    def start(self, nodes=None):
        chosen = self.nodes if nodes is None else nodes
        for node in chosen:
            node.start()
        for node in chosen:
            node.wait_ready()

    def stop(self):
        """Asks all to end, orderly. Every one has to, and to say that nothing went wrong."""
        running = self.running
        for node in running:
            node.terminate()
        for node in running:
            code = node.wait_end()
            if code != 0:
                raise Failure(f"{node.name} was stopped and ended with {code}: {node.last_words()}")

    def kill(self):
        for node in self.nodes:
            node.kill()

    def heights(self, nodes=None):
        return [node.height() for node in (self.nodes if nodes is None else nodes)]

    def top(self):
        return max((height for height in self.heights() if height is not None), default=0)

    def wait_progress(self, nodes, blocks, seconds, why):
        """Waits until each of `nodes` shows `blocks` more than the highest of them did."""
        start = max((height for height in self.heights(nodes) if height is not None), default=0)
        begun = time.monotonic()
        until(
            seconds,
            lambda: f"{why}: {self.heights(nodes)} where {start + blocks} was to be reached",
            lambda: all(
                height is not None and height >= start + blocks for height in self.heights(nodes)
            ),
        )
        return time.monotonic() - begun


def make_template(tally, directory, validators, shards):
    """Keys and a genesis by `tally localnet`, whose keystores cost little to open."""
    with open(directory.parent / f"{directory.name}.log", "ab") as log:
        process = subprocess.Popen(
            [str(tally), "localnet", "start", "--json", "--dir", str(directory),
             "--validators", str(validators), "--shards", str(shards)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SWIFT_BACKTRACE": "enable=no"},
        )  # fmt: skip
        line = process.stdout.readline()
        process.terminate()
        process.stdout.read()
        code = process.wait(STOP_SECONDS)
    if not line or code != 0:
        raise Failure(f"tally localnet ended with {code}; see {directory}.log")
    accounts = json.loads(line)["accounts"]
    pathlib.Path(directory / "accounts.json").write_text(json.dumps(accounts))
