"""`tally dev` as a process."""

import json
import os
import signal
import subprocess
import time

from eth_utils import to_checksum_address

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"}
SHARDS = 4


def tally():
    return os.environ["ACCEPTANCE_TALLY"]


def home(address, shards=SHARDS):
    """The shard of an address: SHARD-1 in Specs/ledger.md."""
    return int(address[2:6], 16) * shards >> 16


class Node:
    """Runs the node of one data directory, and starts it again there."""

    def __init__(self, directory, *arguments):
        self.directory = directory
        self.arguments = arguments
        self.process = None
        self.rpc = ""
        self.chain_id = 0
        self.accounts = []
        self.log = open(f"{directory}.log", "ab")

    def start(self):
        self.process = subprocess.Popen(
            [tally(), "dev", "--json", "--rpc-port", "0", "--data-dir", str(self.directory),
             *self.arguments],
            stdout=subprocess.PIPE, stderr=self.log, env=ENVIRONMENT, text=True)
        line = self.process.stdout.readline()
        assert line, f"the node ended with {self.process.wait()}; see {self.log.name}"
        ready = json.loads(line)
        self.rpc, self.chain_id = ready["rpc"], ready["chainId"]
        self.accounts = [
            entry | {"address": to_checksum_address(entry["address"])}
            for entry in ready["accounts"]]

    @property
    def websocket(self):
        return self.rpc.replace("http://", "ws://")

    def kill(self):
        """SIGKILL: nothing is told."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM. Returns the exit code; how long it took is in `seconds_to_stop`."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.seconds_to_stop = time.monotonic() - begun
        return code
