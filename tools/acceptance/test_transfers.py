"""Transactions that eth-account signs, and what is read of them afterwards."""

import threading

import pytest
from eth_account import Account
from hexbytes import HexBytes

FORMS = {
    "legacy": {"gasPrice": 20_000_000_000},
    "eip2930": {"gasPrice": 20_000_000_000, "accessList": [], "type": 1},
    "eip1559": {"maxFeePerGas": 20_000_000_000, "maxPriorityFeePerGas": 1_000_000_000},
}


@pytest.fixture(scope="module", params=FORMS)
def sent(request, w3, purse):
    """A transfer of each form within a shard: (type, sender, receiver, signed, receipt)."""
    number = list(FORMS).index(request.param)
    sender, receiver = purse.fresh(number), purse.empty(number)
    fields = dict(FORMS[request.param])
    signed = purse.sign(sender, receiver.address, 12_345, **fields)
    assert w3.eth.send_raw_transaction(signed.raw_transaction) == signed.hash
    receipt = w3.eth.wait_for_transaction_receipt(signed.hash, timeout=30, poll_latency=0.02)
    return number, sender, receiver, signed, receipt


def test_receipt_tells_what_became_of_it(sent, w3):
    type, sender, receiver, signed, receipt = sent
    assert receipt.status == 1
    assert receipt.type == type
    assert receipt.transactionHash == signed.hash
    assert (receipt["from"], receipt.to) == (sender.address, receiver.address)
    assert receipt.gasUsed == 21_000
    assert receipt.cumulativeGasUsed >= 21_000
    assert receipt.contractAddress is None
    assert len(receipt.logsBloom) == 256


def test_receipt_logs_the_transfer(sent, w3):
    type, sender, receiver, signed, receipt = sent
    [log] = receipt.logs
    assert log.address == "0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE"
    assert log.topics[0] == w3.keccak(text="Transfer(address,address,uint256)")
    assert log.topics[1][12:] == HexBytes(sender.address)
    assert log.topics[2][12:] == HexBytes(receiver.address)
    assert int.from_bytes(log.data) == 12_345
    assert (log.blockHash, log.transactionHash) == (receipt.blockHash, signed.hash)
    assert log.removed is False


def test_transaction_is_the_one_that_was_signed(sent, w3):
    type, sender, receiver, signed, receipt = sent
    transaction = w3.eth.get_transaction(signed.hash)
    assert transaction.hash == signed.hash
    assert (transaction["from"], transaction.to) == (sender.address, receiver.address)
    assert (transaction.type, transaction.value, transaction.nonce) == (type, 12_345, 0)
    assert transaction.input == b""
    assert (int.from_bytes(transaction.r), int.from_bytes(transaction.s)) == (signed.r, signed.s)
    assert transaction.v == (signed.v if type == 0 else signed.v & 1)
    assert transaction.blockHash == receipt.blockHash
    assert transaction.blockNumber == receipt.blockNumber
    assert transaction.transactionIndex == receipt.transactionIndex
    assert Account.recover_transaction(signed.raw_transaction) == transaction["from"]


def test_block_holds_it_under_number_and_hash(sent, w3):
    *_, signed, receipt = sent
    block = w3.eth.get_block(receipt.blockHash)
    assert block == w3.eth.get_block(receipt.blockNumber)
    assert block.hash == receipt.blockHash
    assert block.transactions[receipt.transactionIndex] == signed.hash
    full = w3.eth.get_block(receipt.blockNumber, full_transactions=True)
    assert full.transactions[receipt.transactionIndex] == w3.eth.get_transaction(signed.hash)
    assert [t.hash for t in full.transactions] == block.transactions
    assert w3.eth.get_block_transaction_count(receipt.blockHash) == len(block.transactions)
    assert w3.eth.get_transaction_by_block(
        receipt.blockHash, receipt.transactionIndex) == full.transactions[
            receipt.transactionIndex]
    uncles = w3.provider.make_request(
        "eth_getUncleCountByBlockHash", [receipt.blockHash.to_0x_hex()])
    assert uncles["result"] == "0x0"


def test_block_receipts_are_the_receipts(sent, w3):
    *_, receipt = sent
    receipts = w3.eth.get_block_receipts(receipt.blockNumber)
    assert receipts[receipt.transactionIndex] == receipt
    for index, each in enumerate(receipts):
        assert each.transactionIndex == index
        assert w3.eth.get_transaction_receipt(each.transactionHash) == each


def test_blocks_form_a_chain(w3, sent):
    height = w3.eth.block_number
    blocks = [w3.eth.get_block(number) for number in range(height + 1)]
    for parent, block in zip(blocks, blocks[1:]):
        assert block.parentHash == parent.hash
        assert block.number == parent.number + 1
        assert block.timestamp >= parent.timestamp
        assert len(block.extraData) <= 32
    assert w3.eth.get_block("finalized").number >= height


def test_block_of_a_receipt_is_there_at_once(w3, purse):
    """Asked in the moment the receipt is seen, many times."""
    sender, receiver = purse.fresh(0), purse.empty(0)
    for nonce in range(20):
        hash = w3.eth.send_raw_transaction(
            purse.sign(sender, receiver.address, 1, nonce=nonce).raw_transaction)
        receipt = w3.eth.wait_for_transaction_receipt(hash, timeout=30, poll_latency=0.001)
        assert hash in w3.eth.get_block(receipt.blockHash).transactions
        assert w3.eth.get_transaction_count(sender.address) == nonce + 1


def test_nonce_is_never_seen_before_the_receipt(w3, purse):
    sender, receiver = purse.fresh(3), purse.empty(3)
    hashes, seen, ended = [], [], threading.Event()

    def look():
        while not ended.is_set():
            nonce = w3.eth.get_transaction_count(sender.address)
            if nonce:
                seen.append((nonce, w3.eth.get_transaction_receipt(hashes[nonce - 1])))

    signed = [purse.sign(sender, receiver.address, 1, nonce=nonce) for nonce in range(30)]
    hashes = [each.hash for each in signed]
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for each in signed:
            w3.eth.send_raw_transaction(each.raw_transaction)
        w3.eth.wait_for_transaction_receipt(hashes[-1], timeout=30)
    finally:
        ended.set()
        watcher.join()
    assert seen and all(receipt is not None for _, receipt in seen)


def test_pending_nonce_counts_what_waits(w3, purse):
    sender, receiver = purse.fresh(1), purse.empty(1)
    raws = [
        purse.sign(sender, receiver.address, 1, nonce=nonce).raw_transaction
        for nonce in (1, 2, 3)
    ]
    hashes = [w3.eth.send_raw_transaction(raw) for raw in raws]
    assert w3.eth.get_transaction_count(sender.address, "latest") == 0
    assert w3.eth.get_transaction_count(sender.address, "pending") == 0
    waiting = w3.eth.get_transaction(hashes[0])
    assert waiting.blockHash is None and waiting.blockNumber is None
    first = purse.sign(sender, receiver.address, 1, nonce=0).raw_transaction
    w3.eth.send_raw_transaction(first)
    assert w3.eth.get_transaction_count(sender.address, "pending") == 4
    for hash in hashes:
        assert w3.eth.wait_for_transaction_receipt(hash, timeout=30).status == 1
    assert w3.eth.get_transaction_count(sender.address, "latest") == 4


def test_a_higher_fee_replaces_what_waits(w3, purse):
    sender, receiver = purse.fresh(2), purse.empty(2)
    gap = purse.sign(sender, receiver.address, 1, nonce=1)
    better = purse.sign(
        sender, receiver.address, 2, nonce=1, maxFeePerGas=20_000_000_000,
        maxPriorityFeePerGas=2_000_000_000)
    for each in (gap, better, purse.sign(sender, receiver.address, 4, nonce=0)):
        w3.eth.send_raw_transaction(each.raw_transaction)
    assert w3.eth.wait_for_transaction_receipt(better.hash, timeout=30).status == 1
    assert w3.eth.get_balance(receiver.address) == 6


def test_batch_of_requests(w3, purse):
    sender, receiver = purse.fresh(0), purse.empty(0)
    raws = [
        purse.sign(sender, receiver.address, value, nonce=value).raw_transaction
        for value in range(1, 11)
    ] + [purse.sign(sender, receiver.address, 11, nonce=0).raw_transaction]
    # web3 keeps what sends out of its own batches, not out of its provider's.
    answers = w3.provider.make_batch_request(
        [("eth_sendRawTransaction", [raw.to_0x_hex()]) for raw in raws])
    hashes = [HexBytes(answer["result"]) for answer in answers]
    for hash in hashes:
        w3.eth.wait_for_transaction_receipt(hash, timeout=30)
    with w3.batch_requests() as batch:
        for hash in hashes:
            batch.add(w3.eth.get_transaction_receipt(hash))
        batch.add(w3.eth.get_balance(receiver.address))
        batch.add(w3.eth.get_block("latest"))
        *receipts, balance, block = batch.execute()
    assert [receipt.transactionHash for receipt in receipts] == hashes
    assert all(receipt.status == 1 for receipt in receipts)
    assert balance == sum(range(1, 12))
    assert block.number >= max(receipt.blockNumber for receipt in receipts)
