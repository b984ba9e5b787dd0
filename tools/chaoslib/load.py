"""A client that never stops: signed transfers to all nodes, and a record of what became of them."""

import random
import threading
import time

from . import signing
from .rpc import Refused, Unreachable
from .world import Failure

# Transfers of one account that are under way.
DEPTH = 8
RESEND_SECONDS = 2.0
AWAY_SECONDS = 0.5
# The node has it, or had it and forgot, or has no room: a transfer is offered again until final.
KNOWN = ("already known", "nonce too low")


class Account:
    def __init__(self, entry):
        self.address = bytes.fromhex(entry["address"][2:])
        self.key = bytes.fromhex(entry["privateKey"][2:])
        self.nonce = 0
        self.waiting = {}


class Transfer:
    def __init__(self, account, raw, digest):
        self.account, self.raw, self.hash = account, "0x" + raw.hex(), "0x" + digest.hex()
        self.offered_at = 0.0
        self.was_accepted = False


class Load(threading.Thread):
    """Offers transfers at a rate, and again until they are final; reads every block once.

    A transfer counts as acknowledged when a node has shown its receipt, which is final (CHAOS-3).
    Which node is read and which is offered to is drawn anew each time, so that every one of them
    acknowledges.
    """

    def __init__(self, network, seed, rate):
        super().__init__(name="load", daemon=True)
        self.network, self.rate = network, rate
        self.random = random.Random(seed)
        self.accounts = [Account(entry) for entry in network.accounts]
        self.strangers = [self.random.randbytes(20) for _ in range(16)]
        self.lock = threading.Lock()
        self.is_creating = threading.Event()
        self.is_ending = threading.Event()
        self.clients = {}
        self.away_until = {}
        self.waiting = {}
        # By hash of the transfer: the receipt as it was first shown, and in which order.
        self.acknowledged = {}
        # By height: hash of the block as it was first shown.
        self.blocks = {}
        self.next_height = 1
        self.accepted = 0
        self.refusals = {}
        self.problems = []
        self.budget = 0.0
        self.paid_at = time.monotonic()

    # MARK: The thread

    def run(self):
        while not self.is_ending.is_set():
            try:
                self.step()
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append(f"the load failed: {type(error).__name__}: {error}")
                return
            time.sleep(0.02)

    def step(self):
        now = time.monotonic()
        self.budget = min(self.budget + (now - self.paid_at) * self.rate, self.rate)
        self.paid_at = now
        for action in (self.read, self.offer):
            node = self.choose(now)
            if node is None:
                return
            try:
                action(node, self.client(node))
            except Unreachable:
                self.away_until[node.number] = time.monotonic() + AWAY_SECONDS

    def choose(self, now):
        nodes = [
            node
            for node in self.network.nodes
            if node.is_running and self.away_until.get(node.number, 0) < now
        ]
        return self.random.choice(nodes) if nodes else None

    def client(self, node):
        if node.number not in self.clients:
            self.clients[node.number] = node.new_client(timeout=2)
        return self.clients[node.number]

    def read(self, node, client):
        head = int(client.call("eth_blockNumber"), 16)
        heights = range(self.next_height, min(head, self.next_height + 19) + 1)
        calls = []
        for height in heights:
            calls.append(("eth_getBlockByNumber", hex(height), False))
            calls.append(("eth_getBlockReceipts", hex(height)))
        answers = client.batch(calls)
        for height, block, receipts in zip(heights, answers[::2], answers[1::2]):
            if isinstance(block, Refused) or isinstance(receipts, Refused) or not block:
                self.problems.append(
                    f"{node.name} says its head is {head} and answers {block} for {height}"
                )
                return
            with self.lock:
                self.blocks[height] = block["hash"]
                for receipt in receipts:
                    self.acknowledge(receipt)
                self.next_height = height + 1

    def acknowledge(self, receipt):
        transfer = self.waiting.pop(receipt["transactionHash"], None)
        if transfer is None:
            return
        del transfer.account.waiting[transfer.hash]
        self.acknowledged[transfer.hash] = receipt
        if receipt["status"] != "0x1":
            self.problems.append(f"the transfer {transfer.hash} failed")

    def offer(self, node, client):
        now = time.monotonic()
        with self.lock:
            chosen = [
                transfer
                for transfer in self.waiting.values()
                if now - transfer.offered_at > RESEND_SECONDS
            ][:50]
            if self.is_creating.is_set():
                chosen += self.create(50 - len(chosen))
        if not chosen:
            return
        for transfer in chosen:
            transfer.offered_at = now
        answers = client.batch([("eth_sendRawTransaction", each.raw) for each in chosen])
        for transfer, answer in zip(chosen, answers):
            self.note(transfer, answer)

    def create(self, most):
        created = []
        for account in self.random.sample(self.accounts, len(self.accounts)):
            while len(account.waiting) < DEPTH and len(created) < most and self.budget >= 1:
                self.budget -= 1
                if self.random.random() < 0.5:
                    to = self.random.choice(self.accounts).address
                else:
                    to = self.random.choice(self.strangers)
                raw, digest = signing.transfer(
                    account.key, account.nonce, to, self.random.randrange(1, 10**15)
                )
                transfer = Transfer(account, raw, digest)
                account.nonce += 1
                account.waiting[transfer.hash] = transfer
                self.waiting[transfer.hash] = transfer
                created.append(transfer)
        return created

    def note(self, transfer, answer):
        if not isinstance(answer, Refused):
            if answer != transfer.hash:
                self.problems.append(f"{transfer.hash} was taken as {answer}")
            if not transfer.was_accepted:
                transfer.was_accepted = True
                self.accepted += 1
            return
        text = str(answer)
        if any(text.startswith(known) for known in KNOWN):
            return
        self.refusals[answer.reason] = self.refusals.get(answer.reason, 0) + 1
        if not answer.is_retryable:
            self.problems.append(f"{transfer.hash} was refused: {text} ({answer.reason})")

    # MARK: What others ask

    def go(self):
        self.is_creating.set()

    def hold(self):
        """No new transfers; those under way are still offered until they are final."""
        self.is_creating.clear()

    def end(self):
        self.is_ending.set()
        if self.ident is not None:
            self.join(30)

    def spare(self):
        """A transfer of an account that has nothing, for nodes that are to refuse all of them."""
        raw, _ = signing.transfer(self.random.randbytes(32), 0, self.strangers[0], 1)
        return "0x" + raw.hex()

    def count_waiting(self):
        with self.lock:
            return len(self.waiting)

    def count_acknowledged(self):
        with self.lock:
            return len(self.acknowledged)

    def snapshot(self):
        """What was acknowledged, in order, and the hashes of blocks, as of now."""
        with self.lock:
            return list(self.acknowledged.values()), dict(self.blocks)

    def expect_no_problems(self):
        if self.problems:
            raise Failure("; ".join(self.problems[:5]))
