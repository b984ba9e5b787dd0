"""The compute economy on a localnet, and its books kept a second time. tools/demo-compute runs it."""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from ledger import Ledger
from check import Check

TALLY = os.environ["DEMO_TALLY"]
DEADLINE = 300
EPOCH = 20_000
ROUND = 12_000
SHARDS = 4


def say(text):
    print(f"[{time.monotonic() - say.begun:6.1f} s] {text}", flush=True)


say.begun = time.monotonic()


def tally(*arguments, rpc=None, check=True):
    environment = dict(os.environ, **({"TALLY_RPC": rpc} if rpc else {}))
    done = subprocess.run(
        [TALLY, *arguments, "--json"], env=environment, capture_output=True, text=True, timeout=120
    )
    if check and done.returncode:
        raise SystemExit(f"tally {' '.join(arguments)}: {done.stderr or done.stdout}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def parameters(folder):
    """The profile emc, with everything that takes hours taking seconds."""
    path = os.path.join(folder, "parameters.json")
    tally("genesis", "new", "--profile", "emc", "--shards", str(SHARDS), "--out", path)
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    document["epochMilliseconds"] = EPOCH
    document["heartbeatMilliseconds"] = 300
    economy = document["economy"]
    economy["rounds"] = {
        "task": {"kind": "chain", "segments": 256, "stepsPerSegment": 4000, "openings": 8},
        "everyMilliseconds": ROUND,
        "commitMilliseconds": 3_000,
        "revealMilliseconds": 3_000,
        "attestMilliseconds": 3_000,
        "attesters": 3,
    }
    economy["jobs"].update(
        disputeMilliseconds=6_000, arbitrationMilliseconds=6_000, arbiters=3, sampleBps=10_000
    )
    economy["computeNodes"]["penaltyStepMilliseconds"] = 5_000
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    return path


def rlp(value):
    if isinstance(value, list):
        body = b"".join(map(rlp, value))
        return bytes([0xC0 + len(body)]) + body
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return data if len(data) == 1 and data[0] < 0x80 else bytes([0x80 + len(data)]) + data


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.net = os.path.join(folder, "net")
        self.workers = []
        self.keys = {}

    def start(self):
        found = tally(
            "localnet", "start", "--validators", "4", "--parameters", parameters(self.folder),
            "--dir", self.net, "--detach",
        )
        self.rpc = found["nodes"][0]["rpc"]
        self.ledger = Ledger(self.rpc)
        for account in found["accounts"]:
            path = os.path.join(self.folder, account["address"] + ".key")
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                file.write(account["privateKey"] + "\n")
            self.keys[account["address"]] = path
        # Two accounts a shard: everybody lives on another one.
        accounts = [account["address"] for account in found["accounts"]]
        self.honest = [accounts[0], accounts[2]]
        self.cheat, self.buyer = accounts[4], accounts[6]
        with open(os.path.join(self.net, "genesis.json"), encoding="utf-8") as file:
            self.genesis = json.load(file)
        say(f"4 validators, 4 shards, JSON-RPC at {self.rpc}")

    def send(self, account, *arguments, check=True):
        return tally(
            "compute", *arguments, "--key-file", self.keys[account], "--wait", "settled",
            rpc=self.rpc, check=check,
        )

    def work(self, account):
        log = open(os.path.join(self.folder, account + ".log"), "w", encoding="utf-8")
        self.workers.append(
            subprocess.Popen(
                [TALLY, "worker", "--key-file", self.keys[account], "--register", "--price", "50000000",
                 "--json"],
                env=dict(os.environ, TALLY_RPC=self.rpc), stdout=log, stderr=log,
            )
        )

    def until(self, what, condition):
        end = time.monotonic() + DEADLINE
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise SystemExit(f"not within {DEADLINE} s: {what}")
            time.sleep(0.3)

    # The story

    def prove(self):
        for account in self.honest:
            self.work(account)
        say("two honest workers compute; they register nodes and answer rounds of proofs")
        self.send(
            self.cheat, "node", "register", "--machine-key", "0x" + "cc" * 32, "--spec",
            "0x" + "00" * 32,
        )
        say("a third registers a node and computes nothing")
        for account in self.honest:
            self.until(
                "a measured node",
                lambda: (self.ledger.call("compute_node", account) or {}).get("state") == "active",
            )
            node = self.ledger.call("compute_node", account)
            say(f"{account} was measured: E = {node['power'] / 10_000}")

    def trade(self):
        seller = self.honest[0]
        offer = self.send(
            seller, "trade", "offer", "--spec", "0x" + "11" * 32, "--price", "100000000000", "--units", "5"
        )["id"]
        trade = self.send(
            self.buyer, "trade", "buy", offer, "--units", "1", "--price", "110000000000"
        )["id"]
        say(f"a unit of power is traded for 1,000 tokens, the fee is 20 %: {trade}")

    def post(self, bidding=120_000):
        now = self.ledger.call("compute_epoch")["timeMs"]
        spec = rlp([1, 64, 1000, 2])
        return self.send(
            self.buyer, "job", "post", "--program", "hashChain", "--spec", "0x" + spec.hex(), "--price",
            "100000000", "--bids-until", str(now + bidding), "--duration", "120000",
        )["id"]

    def job(self, order):
        return self.ledger.call("compute_job", order)

    def bid_of(self, order, account):
        for bid in self.job(order).get("bids", []):
            if bid.startswith(account):
                return bid
        return None

    def orders_of(self, payer):
        """The first page of each shard, which has them all."""
        pages = (self.ledger.call("compute_list", "jobs", hex(shard)) for shard in range(SHARDS))
        found = [job["id"] for page in pages for job in page["items"]]
        return [order for order in found if order.startswith(payer.lower())]

    def good_job(self):
        order = self.post()
        say(f"the buyer posts a job: {order}")
        bid = self.until("a bid of a worker", lambda: self.bid_of(order, self.honest[1]))
        self.send(self.buyer, "job", "accept-bid", order, bid)
        say("a worker of another shard has bid, and gets it")
        self.until("the end of the job", lambda: self.job(order)["state"] == "closed")
        closed = self.job(order)
        say(f"delivered, sampled, computed again by drawn validators: {closed['reason']}")
        assert closed["reason"] == "settled", closed

    def bad_job(self):
        order = self.post()
        price = 40_000_000
        self.send(
            self.cheat, "job", "bid", order, "--price", str(price), "--bond", str(price // 10)
        )
        bid = self.until("the cheater's bid", lambda: self.bid_of(order, self.cheat))
        self.send(self.buyer, "job", "accept-bid", order, bid)
        self.send(self.cheat, "job", "deliver", order, "--result", "0x" + secrets.token_hex(32))
        say("the third worker gets a job, and delivers something that it did not compute")
        self.until("the end of the job", lambda: self.job(order)["state"] == "closed")
        closed = self.job(order)
        say(f"the drawn validators found another result: {closed['reason']}")
        assert closed["reason"] == "slashed", closed

    def hidden_task(self):
        """The cheater underbids again, on an order that a validator posted to check somebody's work."""
        node = "node-4"
        checker = next(
            found["address"] for found in tally("localnet", "status", "--dir", self.net, check=False)["nodes"]
            if found["id"] == node
        )
        tally("localnet", "kill-node", node, "--dir", self.net)
        with open(os.path.join(self.net, node, "config.toml"), "a", encoding="utf-8") as file:
            file.write("\n[duties]\nhidden-price = 100000000\nhidden-share = 10000\n")
        tally("localnet", "start-node", node, "--dir", self.net)
        self.post(bidding=8_000)
        say(f"a validator may check the work of others now ({checker}); the buyer posts another job")
        order = self.until("a hidden task", lambda: self.orders_of(checker))[0]
        price = 30_000_000
        self.send(
            self.cheat, "job", "bid", order, "--price", str(price), "--bond", str(price // 10)
        )
        say(f"the cheater underbids others on a job that looks like it: {order}")
        self.until("the task's lease", lambda: self.job(order)["state"] == "active")
        self.send(self.cheat, "job", "deliver", order, "--result", "0x" + secrets.token_hex(32))
        self.until("the end of the task", lambda: self.job(order)["state"] == "closed")
        closed = self.job(order)
        say(f"the validator opened its seal, and others computed it again: {closed['reason']}")
        assert closed["reason"] == "slashed", closed

    def rewards(self):
        say("waiting for epochs to close with rewards")
        self.until(
            "claimed rewards of every honest node",
            lambda: all(self.claims(account) >= 2 for account in self.honest),
        )
        say("both honest nodes have drawn rewards, twice")

    def claims(self, account):
        """How often a worker drew rewards, as it says itself."""
        with open(os.path.join(self.folder, account + ".log"), encoding="utf-8") as file:
            return sum('"operation":"claimRewards"' in line and '"sent"' in line for line in file)

    def stop_workers(self):
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGINT)
        for worker in self.workers:
            worker.wait(timeout=30)
        self.workers = []

    def close(self):
        self.stop_workers()
        if os.path.exists(os.path.join(self.net, "localnet.json")):
            tally("localnet", "stop", "--dir", self.net, check=False)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--keep", metavar="DIR", help="leave the network's files in DIR")
    options = arguments.parse_args()
    folder = options.keep or tempfile.mkdtemp(prefix="tally-demo-")
    os.makedirs(folder, exist_ok=True)
    demo = Demo(folder)
    try:
        demo.start()
        demo.prove()
        demo.trade()
        demo.good_job()
        demo.bad_job()
        demo.hidden_task()
        demo.rewards()
        demo.stop_workers()
        history = demo.ledger.history(demo.genesis)
        say(f"{len(history.blocks)} blocks, {history.log_count} logs read")
        passed, failed = Check(demo.genesis, history).run()
        demo.close()
        audit = tally("audit", "supply", "--data-dir", os.path.join(demo.net, "node-1"), check=False)
        clean = bool(audit) and audit.get("clean", audit.get("findings") == [])
        print(f"  {'ok  ' if clean else 'FAIL'} tally audit supply: {json.dumps(audit)[:300]}")
        passed, failed = passed + clean, failed + (not clean)
        print(f"{passed} passed, {failed} failed")
        return 1 if failed else 0
    finally:
        demo.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
