"""A node that is killed and started again, and one that is stopped."""

import subprocess
import threading
import time

import pytest
import requests
from eth_account import Account
from web3.exceptions import TransactionNotFound

from conftest import connect
from node import ENVIRONMENT, Node, tally


@pytest.fixture
def own(tmp_path):
    """A node of its own for a test, which may kill it."""
    node = Node(tmp_path / "data", "--checkpoint-heights", "5")
    node.start()
    yield node
    if node.process.poll() is None:
        node.kill()


class Load(threading.Thread):
    """Sends transfers of one account until the node is gone, and notes every receipt it sees."""

    def __init__(self, node, account, receiver):
        super().__init__()
        self.w3 = connect(node.rpc)
        self.account, self.receiver = account, receiver
        self.receipts = {}
        self.sent = 0
        self.error = None

    def run(self):
        try:
            nonce = self.w3.eth.get_transaction_count(self.account.address)
            open = []
            while True:
                for _ in range(10):
                    signed = self.account.sign_transaction({
                        "chainId": 1337, "nonce": nonce, "gas": 21_000, "to": self.receiver,
                        "value": 1, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9})
                    open.append(self.w3.eth.send_raw_transaction(signed.raw_transaction))
                    self.sent += 1
                    nonce += 1
                open = [hash for hash in open if not self.look(hash)]
        except requests.exceptions.RequestException:
            return  # the node is gone
        except Exception as error:
            self.error = error

    def look(self, hash):
        try:
            self.receipts[hash] = self.w3.eth.get_transaction_receipt(hash)
        except TransactionNotFound:
            return False
        return True


def test_a_killed_node_knows_every_receipt_that_was_seen(own):
    accounts = [Account.from_key(entry["privateKey"]) for entry in own.accounts[:4]]
    receivers = [entry["address"] for entry in own.accounts[-4:]]
    known = {}
    for round in range(3):
        loads = [Load(own, *pair) for pair in zip(accounts, receivers)]
        for load in loads:
            load.start()
        deadline = time.monotonic() + 30
        while min(len(load.receipts) for load in loads) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        own.kill()
        for load in loads:
            load.join()
            assert load.error is None
            assert len(load.receipts) >= 20, f"round {round}: no load"
            known |= load.receipts
        own.start()
        w3 = connect(own.rpc)
        for hash, receipt in known.items():
            assert w3.eth.get_transaction_receipt(hash) == receipt
        blocks = {receipt.blockNumber: receipt.blockHash for receipt in known.values()}
        for number, hash in blocks.items():
            assert w3.eth.get_block(number).hash == hash
        for account, load in zip(accounts, loads):
            last = max(w3.eth.get_transaction(hash).nonce for hash in load.receipts)
            nonce = w3.eth.get_transaction_count(account.address)
            assert nonce > last
            assert w3.eth.get_transaction_count(account.address, "pending") == nonce
    print(f"{len(known)} receipts seen before a kill, all there after it")
    assert own.stop() == 0


def test_a_stopped_node_ends_soon_and_goes_on(own):
    w3 = connect(own.rpc)
    sender = Account.from_key(own.accounts[0]["privateKey"])
    signed = sender.sign_transaction({
        "chainId": w3.eth.chain_id, "nonce": 0, "gas": 21_000, "to": own.accounts[1]["address"],
        "value": 1, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9})
    receipt = w3.eth.wait_for_transaction_receipt(
        w3.eth.send_raw_transaction(signed.raw_transaction), timeout=30)
    assert own.stop() == 0
    assert own.seconds_to_stop < 5
    own.start()
    w3 = connect(own.rpc)
    assert w3.eth.get_transaction_receipt(receipt.transactionHash) == receipt
    assert w3.eth.get_transaction_count(sender.address) == 1


def test_two_nodes_do_not_share_a_directory(own):
    second = subprocess.run(
        [tally(), "dev", "--data-dir", str(own.directory), "--rpc-port", "0"],
        capture_output=True, text=True, env=ENVIRONMENT, timeout=30)
    assert second.returncode == 1
    assert str(own.process.pid) in second.stderr
    assert connect(own.rpc).is_connected()
