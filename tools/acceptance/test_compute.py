"""The compute families as contracts: operations, views and events with nothing but the published ABI."""

import json
from pathlib import Path

import pytest
from eth_account import Account
from web3 import Web3

from conftest import connect
from node import Node

ABI = Path(__file__).parents[2] / "Specs" / "abi"
DOORS = {"epochs": 0, "proof": 2, "job": 3, "trade": 4, "node": 5, "validator": 6}
SPEC = bytes(range(32))
NOBODY = "0x" + "00" * 20


@pytest.fixture(scope="module")
def emc(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("compute") / "data", "--profile", "emc")
    node.start()
    yield node
    assert node.stop() == 0


@pytest.fixture(scope="module")
def chain(emc):
    return connect(emc.rpc)


@pytest.fixture(scope="module")
def contracts(chain):
    return {
        name: chain.eth.contract(
            address=Web3.to_checksum_address(f"0x{0xc000 + number:040x}"),
            abi=json.loads((ABI / f"{name}.json").read_text()))
        for name, number in DOORS.items()}


def account(emc, shard):
    entry = next(entry for entry in emc.accounts if entry["shard"] == shard)
    return Account.from_key(entry["privateKey"])


def send(chain, sender, call, value=0):
    """The receipt of a call, once every leg of it has ended."""
    transaction = call.build_transaction({
        "from": sender.address, "nonce": chain.eth.get_transaction_count(sender.address),
        "gas": 500_000, "value": value, "chainId": chain.eth.chain_id})
    hash = chain.eth.send_raw_transaction(sender.sign_transaction(transaction).raw_transaction)
    receipt = chain.eth.wait_for_transaction_receipt(hash, timeout=30)
    assert receipt.status == 1
    answer = chain.provider.make_request(
        "shard_getTransactionStatus", [hash.to_0x_hex(), "settled", 30_000])["result"]
    assert answer["settled"]
    return receipt


def read(contract, name, *arguments):
    """What a view answers, by name."""
    [entry] = [e for e in contract.abi if e["type"] == "function" and e["name"] == name]
    answer = getattr(contract.functions, name)(*arguments).call()
    outputs = [output["name"] for output in entry["outputs"]]
    return dict(zip(outputs, answer if len(outputs) > 1 else [answer]))


def test_every_view_answers(chain, contracts):
    """Where there is nothing, zeros: never a revert."""
    for name, contract in contracts.items():
        views = [e for e in contract.abi if e.get("stateMutability") == "view"]
        assert views
        for view in views:
            arguments = [
                {"address": NOBODY, "bytes32": bytes(32)}.get(each["type"], 1)
                for each in view["inputs"]]
            assert len(read(contract, view["name"], *arguments)) == len(view["outputs"])


def test_a_node_is_registered_and_read(emc, chain, contracts):
    owner, node = account(emc, 0), contracts["node"]
    receipt = send(chain, owner, node.functions.registerNode(SPEC, SPEC[::-1]))
    [registered] = node.events.NodeRegistered().process_receipt(receipt)
    assert (registered.args.owner, registered.args.key) == (owner.address, SPEC)
    told = read(node, "nodeOf", owner.address)
    assert (told["state"], told["key"], told["spec"]) == (1, SPEC, SPEC[::-1])
    assert read(node, "stakeOf", owner.address)["staked"] == 0
    assert read(node, "rewardOf", owner.address) == {"claimable": 0, "weight": 0}
    assert read(contracts["proof"], "roundOf", owner.address)["state"] in (2, 3)


def test_an_order_has_a_bid_from_another_shard(emc, chain, contracts):
    payer, bidder, job = account(emc, 1), account(emc, 2), contracts["job"]
    until = read(contracts["epochs"], "currentEpoch")["time"] + 3_600_000
    posted = send(
        chain, payer, job.functions.postJob(3, 1, SPEC, SPEC, 1_000, until, 60_000, b"what to do"),
        1_000)
    [created] = job.events.JobCreated().process_receipt(posted)
    order = created.args.id
    told = read(job, "orderOf", order)
    assert (told["state"], told["payer"], told["escrow"]) == (1, payer.address, 1_000)
    assert (told["price"], told["bidsUntil"], told["spec"]) == (1_000, until, b"what to do")
    assert read(job, "bidOf", order, bidder.address)["state"] == 0
    # JOB-9: EMC asks for a bond of a tenth.
    send(chain, bidder, job.functions.placeBid(order, 500), 50)
    bid = read(job, "bidOf", order, bidder.address)
    assert (bid["state"], bid["price"], bid["bond"]) == (1, 500, 50)
    assert read(job, "bidsOf", order) == {"bids": [bid["bid"]]}
    accepted = send(chain, payer, job.functions.acceptBid(order, bid["bid"]))
    [assigned] = job.events.JobAssigned().process_receipt(accepted)
    lease = read(job, "leaseOf", order)
    assert (lease["state"], lease["provider"], lease["price"]) == (1, bidder.address, 500)
    assert assigned.args.provider == bidder.address and lease["bid"] == bid["bid"]
    assert read(job, "orderOf", order)["state"] == 2


def test_an_offer_is_listed_and_read(emc, chain, contracts):
    seller, trade = account(emc, 3), contracts["trade"]
    receipt = send(chain, seller, trade.functions.listOffer(2, SPEC, 100, 5, 0))
    [listed] = trade.events.OfferListed().process_receipt(receipt)
    told = read(trade, "offerOf", listed.args.offer)
    assert (told["seller"], told["resource"], told["spec"]) == (seller.address, 2, SPEC)
    assert (told["pricePerUnit"], told["units"], told["until"]) == (100, 5, listed.args.until)
    assert read(trade, "offersOf", seller.address) == {"offers": [listed.args.offer]}


def test_the_epoch_and_the_validators_are_read(emc, chain, contracts):
    epoch = read(contracts["epochs"], "currentEpoch")
    assert (epoch["number"], epoch["length"]) == (0, 86_400_000)
    assert epoch["began"] == epoch["epoch"] * epoch["length"] <= epoch["time"]
    assert read(contracts["epochs"], "emission")["nodesCap"] > 0
    assert len(read(contracts["validator"], "validators")["validators"]) == 1
