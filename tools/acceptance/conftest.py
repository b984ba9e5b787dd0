"""A node of `tally dev` for the tests, and what they share."""

import json
from pathlib import Path

import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3

from node import Node, home


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("ledger") / "data")
    node.start()
    yield node
    assert node.stop() == 0


@pytest.fixture(scope="session")
def w3(node):
    return connect(node.rpc)


@pytest.fixture(scope="session")
def accounts(node):
    """Funded accounts by shard."""
    shards = {}
    for entry in node.accounts:
        shards.setdefault(entry["shard"], []).append(Account.from_key(entry["privateKey"]))
    return shards


@pytest.fixture(scope="session")
def purse(accounts, w3):
    return Purse(w3, accounts)


def connect(rpc):
    return Web3(HTTPProvider(rpc, request_kwargs={"timeout": 60}))


class Purse:
    """Gives out fresh accounts with money, so that no test meets another's nonces."""

    def __init__(self, w3, accounts):
        self.w3 = w3
        self.accounts = accounts

    def fresh(self, shard, ether=10):
        """A new account whose home is `shard`, funded and settled."""
        account = self.empty(shard)
        sender = self.accounts[shard][-1]
        receipt = self.send(sender, account.address, Web3.to_wei(ether, "ether"))
        assert receipt.status == 1
        return account

    def empty(self, shard):
        """A new account whose home is `shard`."""
        while True:
            account = Account.create()
            if home(account.address, len(self.accounts)) == shard:
                return account

    def send(self, sender, to, value, **fields):
        raw = self.sign(sender, to, value, **fields).raw_transaction
        return self.w3.eth.wait_for_transaction_receipt(
            self.w3.eth.send_raw_transaction(raw), timeout=30, poll_latency=0.02)

    def sign(self, sender, to, value, **fields):
        transaction = {
            "chainId": self.w3.eth.chain_id,
            "nonce": self.w3.eth.get_transaction_count(sender.address, "pending"),
            "gas": 21_000,
            "to": to,
            "value": value,
        }
        if "gasPrice" not in fields:
            transaction |= {
                "maxFeePerGas": self.w3.to_wei(10, "gwei"),
                "maxPriorityFeePerGas": self.w3.to_wei(1, "gwei"),
            }
        return sender.sign_transaction(transaction | fields)


@pytest.fixture(scope="session")
def cross_shard(w3):
    """Transfers between shards as a contract, from the published ABI."""
    document = Path(__file__).parents[2] / "Specs" / "abi" / "cross-shard.json"
    return w3.eth.contract(
        address=w3.to_checksum_address("0x000000000000000000000000000000000000c001"),
        abi=json.loads(document.read_text()))
