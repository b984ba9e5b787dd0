"""Transfers between shards, as clients see them that know of no shards."""

import pytest

REFUSED, DEADLINE = "creditsRefused", "deadlinePassed"
SYSTEM = "0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE"


def status(w3, hash, until=None, timeout=30_000):
    parameters = [hash if isinstance(hash, str) else hash.to_0x_hex()] + ([until, timeout] if until else [])
    answer = w3.provider.make_request("shard_getTransactionStatus", parameters)
    assert "error" not in answer, answer
    return answer["result"]


def test_lists_its_shards(w3):
    shards = w3.provider.make_request("shard_list", [])["result"]
    assert [shard["id"] for shard in shards] == [0, 1, 2, 3]
    assert all(int(shard["stateSumHex"], 16) == int(shard["stateSum"]) for shard in shards)


def test_a_transfer_arrives_on_another_shard(w3, purse, cross_shard):
    sender, receiver = purse.fresh(0), purse.empty(3)
    receipt = purse.send(sender, receiver.address, 777)
    settled = status(w3, receipt.transactionHash, "settled")
    assert (settled["state"], settled["settled"], settled["status"]) == ("final", True, "0x1")
    assert int(settled["blockNumber"], 16) == receipt.blockNumber
    [leg] = settled["legs"]
    assert (leg["state"], leg["shard"], leg["value"]) == ("credited", "0x3", hex(777))
    assert leg["to"] == receiver.address.lower()
    assert int(leg["sentHeight"], 16) == receipt.blockNumber < int(leg["height"], 16)
    assert w3.eth.get_balance(receiver.address) == 777
    [sent] = cross_shard.events.CrossShardSent().process_receipt(receipt)
    assert (sent.args["from"], sent.args.to) == (sender.address, receiver.address)
    assert (sent.args.value, sent.args.shard) == (777, 3)
    [credited] = [
        event for each in w3.eth.get_block_receipts(int(leg["height"], 16))
        for log in each.logs if log.address == cross_shard.address
        for event in [decoded(cross_shard.events.CrossShardCredited(), log)]
        if event and event.args.id == sent.args.id]
    assert (credited.args.value, credited.args.shard) == (777, 0)


def decoded(event, log):
    from web3.exceptions import LogTopicError, MismatchedABI

    try:
        return event.process_log(log)
    except (LogTopicError, MismatchedABI):
        return None


def test_system_transactions_decode(w3, purse):
    sender, receiver = purse.fresh(1), purse.empty(2)
    receipt = purse.send(sender, receiver.address, 5)
    [leg] = status(w3, receipt.transactionHash, "settled")["legs"]
    block = w3.eth.get_block(int(leg["height"], 16), full_transactions=True)
    system = [t for t in block.transactions if t["from"] == SYSTEM]
    assert system
    for transaction in system:
        assert transaction.type == 0
        assert (transaction.value, transaction.gasPrice) == (0, 0)
        assert transaction.nonce == block.number
        assert transaction.input == b""
        assert transaction == w3.eth.get_transaction(transaction.hash)
        receipt = w3.eth.get_transaction_receipt(transaction.hash)
        assert receipt.status == 1 and receipt.effectiveGasPrice == 0
        assert receipt.logs
    assert any(
        log.topics[2][12:].hex() == receiver.address[2:].lower()
        for t in system for log in w3.eth.get_transaction_receipt(t.hash).logs
        if len(log.topics) > 2)


def test_a_transfer_that_is_refused_comes_back(w3, purse, cross_shard):
    """The recipient takes no credits: the value is back, the fee is not."""
    sender, receiver = purse.fresh(0), purse.fresh(2)
    policy = cross_shard.functions.setCreditPolicy(1).build_transaction(
        {"from": receiver.address, "nonce": 0, "gas": 100_000, "chainId": w3.eth.chain_id})
    signed = receiver.sign_transaction(policy)
    hash = w3.eth.send_raw_transaction(signed.raw_transaction)
    assert w3.eth.wait_for_transaction_receipt(hash, timeout=30).status == 1
    before = (w3.eth.get_balance(sender.address), w3.eth.get_balance(receiver.address))
    receipt = purse.send(sender, receiver.address, 1_000_000)
    assert receipt.status == 1
    settled = status(w3, receipt.transactionHash, "settled")
    [leg] = settled["legs"]
    assert (leg["state"], leg["reason"]) == ("refunded", REFUSED)
    fee = receipt.gasUsed * receipt.effectiveGasPrice
    assert w3.eth.get_balance(sender.address) == before[0] - fee
    assert w3.eth.get_balance(receiver.address) == before[1]


def test_a_transfer_past_its_deadline_comes_back(w3, purse, cross_shard):
    sender, receiver = purse.fresh(1), purse.empty(3)
    local = purse.empty(1)
    legs = [(receiver.address, 100, 1, 0), (local.address, 11, 0, 0)]
    call = cross_shard.functions.batchTransfer(legs).build_transaction(
        {"from": sender.address, "nonce": 0, "value": 111, "chainId": w3.eth.chain_id})
    hash = w3.eth.send_raw_transaction(sender.sign_transaction(call).raw_transaction)
    receipt = w3.eth.wait_for_transaction_receipt(hash, timeout=30)
    assert receipt.status == 1
    first, second = status(w3, hash, "settled")["legs"]
    assert (first["state"], first["reason"]) == ("refunded", DEADLINE)
    assert second["state"] == "credited"
    assert w3.eth.get_balance(receiver.address) == 0
    assert w3.eth.get_balance(local.address) == 11


@pytest.mark.parametrize("hash", ["0x" + "cd" * 32])
def test_an_unknown_transaction_is_unknown(w3, hash):
    assert status(w3, hash)["state"] == "unknown"


def test_a_waiting_transaction_is_pending(w3, purse):
    sender, receiver = purse.fresh(2), purse.empty(0)
    signed = purse.sign(sender, receiver.address, 9, nonce=1)
    w3.eth.send_raw_transaction(signed.raw_transaction)
    pending = status(w3, signed.hash)
    assert pending["state"] == "pending"
    assert [leg["state"] for leg in pending["legs"]] == ["pending"]
    waited = status(w3, signed.hash, "final", 200)
    assert (waited["state"], waited["timedOut"]) == ("pending", True)


def test_money_is_neither_made_nor_lost(w3, purse, cross_shard):
    """Between all pairs of shards at once; what senders miss is what others have, and fees."""
    senders = [purse.fresh(shard) for shard in range(4)]
    receivers = [purse.empty(shard) for shard in range(4)]
    before = [w3.eth.get_balance(each.address) for each in senders]
    raws = [
        purse.sign(sender, receiver.address, 1_000 + i, nonce=i).raw_transaction
        for sender in senders for i, receiver in enumerate(receivers)]
    hashes = [w3.eth.send_raw_transaction(raw) for raw in raws]
    receipts = [w3.eth.wait_for_transaction_receipt(hash, timeout=30) for hash in hashes]
    assert all(status(w3, hash, "settled")["settled"] for hash in hashes)
    for i, receiver in enumerate(receivers):
        assert w3.eth.get_balance(receiver.address) == 4 * (1_000 + i)
    for sender, had in zip(senders, before):
        fees = sum(
            r.gasUsed * r.effectiveGasPrice for r in receipts if r["from"] == sender.address)
        assert w3.eth.get_balance(sender.address) == had - fees - (4_000 + 6)
