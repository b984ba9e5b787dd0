"""Fees as clients fill them in by themselves."""

from web3.middleware import SignAndSendRawMiddlewareBuilder

from conftest import connect


def test_has_a_gas_price_and_a_tip(w3):
    base = w3.eth.get_block("latest").baseFeePerGas
    assert base > 0
    assert w3.eth.gas_price >= base
    assert 0 <= w3.eth.max_priority_fee < w3.to_wei(100, "gwei")


def test_gives_the_history_of_fees(w3, purse):
    purse.fresh(0)
    history = w3.eth.fee_history(4, "latest", [10, 90])
    count = len(history.gasUsedRatio)
    assert 1 <= count <= 4
    assert len(history.baseFeePerGas) == count + 1
    assert all(fee > 0 for fee in history.baseFeePerGas)
    assert all(0 <= ratio <= 1 for ratio in history.gasUsedRatio)
    assert [len(rewards) for rewards in history.reward] == [2] * count
    assert history.oldestBlock + count - 1 == w3.eth.block_number


def test_estimates_a_transfer(w3, accounts):
    sender, receiver = accounts[0][0], accounts[1][0]
    assert w3.eth.estimate_gas(
        {"from": sender.address, "to": receiver.address, "value": 1}) == 21_000


def test_estimates_more_for_a_call(w3, accounts, cross_shard):
    call = cross_shard.functions.batchTransfer([(accounts[1][0].address, 5, 0, 0)])
    assert call.estimate_gas({"from": accounts[0][0].address, "value": 5}) > 21_000


def test_web3_fills_in_fees_nonce_and_gas_itself(node, purse):
    sender = purse.fresh(1)
    own = connect(node.rpc)
    own.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(sender), layer=0)
    hashes = [
        own.eth.send_transaction(
            {"from": sender.address, "to": purse.accounts[1][0].address, "value": value})
        for value in (1, 2, 3)
    ]
    for nonce, hash in enumerate(hashes):
        receipt = own.eth.wait_for_transaction_receipt(hash, timeout=30)
        assert (receipt.status, receipt.gasUsed) == (1, 21_000)
        transaction = own.eth.get_transaction(hash)
        assert (transaction.type, transaction.nonce) == (2, nonce)
        # web3 asks for more gas than the estimate.
        assert transaction.gas >= 21_000


def test_charges_what_the_receipt_says(w3, purse):
    sender, receiver = purse.fresh(2), purse.empty(2)
    before = w3.eth.get_balance(sender.address)
    receipt = purse.send(sender, receiver.address, 1_000)
    cost = receipt.gasUsed * receipt.effectiveGasPrice
    assert w3.eth.get_balance(sender.address) == before - 1_000 - cost
    assert w3.eth.get_balance(receiver.address) == 1_000
    block = w3.eth.get_block(receipt.blockNumber)
    assert receipt.effectiveGasPrice == block.baseFeePerGas + w3.to_wei(1, "gwei")
