"""Refusals: codes of EIP-1474, the texts of geth, and a reason for programs."""

import pytest
from eth_keys.constants import SECPK1_N
from hexbytes import HexBytes
from rlp import decode, encode
from web3.exceptions import TimeExhausted, TransactionNotFound, Web3RPCError

INVALID_INPUT, REJECTED = -32000, -32003


def refusal(w3, raw):
    with pytest.raises(Web3RPCError) as error:
        w3.eth.send_raw_transaction(raw)
    error = error.value.rpc_response["error"]
    return error["code"], error["message"], error["data"]["reason"], error["data"]["retryable"]


@pytest.fixture(scope="module")
def sender(purse):
    return purse.fresh(0, ether=1)


@pytest.fixture(scope="module")
def receiver(purse):
    return purse.empty(0).address


def test_nonce_too_low(w3, purse, sender, receiver):
    nonce = w3.eth.get_transaction_count(sender.address)
    purse.send(sender, receiver, 1)
    code, message, reason, retryable = refusal(
        w3, purse.sign(sender, receiver, 2, nonce=nonce).raw_transaction)
    assert (code, reason, retryable) == (REJECTED, "nonceTooLow", False)
    assert message.startswith("nonce too low")


def test_insufficient_funds(w3, purse, sender, receiver):
    code, message, reason, _ = refusal(
        w3, purse.sign(sender, receiver, w3.to_wei(2, "ether")).raw_transaction)
    assert (code, reason) == (REJECTED, "insufficientFunds")
    assert message.startswith("insufficient funds for gas * price + value")


def test_already_known(w3, purse, sender, receiver):
    nonce = w3.eth.get_transaction_count(sender.address, "pending")
    raw = purse.sign(sender, receiver, 3, nonce=nonce + 5).raw_transaction
    w3.eth.send_raw_transaction(raw)
    assert refusal(w3, raw) == (REJECTED, "already known", "alreadyKnown", False)


def test_replacement_underpriced(w3, purse, sender, receiver):
    nonce = w3.eth.get_transaction_count(sender.address, "pending") + 7
    w3.eth.send_raw_transaction(purse.sign(sender, receiver, 4, nonce=nonce).raw_transaction)
    code, message, reason, _ = refusal(
        w3, purse.sign(sender, receiver, 5, nonce=nonce).raw_transaction)
    assert (code, reason) == (REJECTED, "replacementUnderpriced")
    assert message == "replacement transaction underpriced"


def test_wrong_chain_id(w3, purse, sender, receiver):
    code, message, reason, _ = refusal(
        w3, purse.sign(sender, receiver, 1, chainId=1).raw_transaction)
    assert (code, reason) == (INVALID_INPUT, "wrongChainId")
    assert message.startswith("invalid chain id for signer: have 1 want ")


def test_unprotected_legacy(w3, purse, sender, receiver):
    signed = sender.sign_transaction(
        {"nonce": 0, "gas": 21_000, "gasPrice": 10**10, "to": receiver, "value": 1})
    code, message, reason, _ = refusal(w3, signed.raw_transaction)
    assert (code, reason) == (INVALID_INPUT, "missingChainId")
    assert message == "only replay-protected (EIP-155) transactions allowed over RPC"


def test_high_s(w3, purse, sender, receiver):
    raw = purse.sign(sender, receiver, 1).raw_transaction
    fields = decode(raw[1:])
    parity, s = int.from_bytes(fields[-3]), int.from_bytes(fields[-1])
    fields = list(fields)
    fields[-3] = b"" if parity else b"\1"
    fields[-1] = (SECPK1_N - s).to_bytes(32).lstrip(b"\0")
    code, message, reason, _ = refusal(w3, raw[:1] + encode(fields))
    assert (code, reason) == (INVALID_INPUT, "highS")
    assert message.startswith("invalid transaction v, r, s values")


def test_oversized(w3, purse, sender, receiver):
    raw = purse.sign(
        sender, receiver, 1, gas=10_000_000, data=b"\1" * (128 * 1024)).raw_transaction
    code, message, reason, _ = refusal(w3, raw)
    assert (code, reason) == (INVALID_INPUT, "oversized")
    assert message.startswith("oversized data")


def test_too_little_gas(w3, purse, sender, receiver):
    code, message, reason, _ = refusal(
        w3, purse.sign(sender, receiver, 1, gas=20_999).raw_transaction)
    assert (code, reason) == (INVALID_INPUT, "intrinsicGasTooLow")
    assert message.startswith("intrinsic gas too low")


def test_tip_above_the_fee(w3, purse, sender, receiver):
    raw = purse.sign(
        sender, receiver, 1, maxFeePerGas=10**9, maxPriorityFeePerGas=2 * 10**9).raw_transaction
    code, message, reason, _ = refusal(w3, raw)
    assert (code, reason) == (INVALID_INPUT, "tipAboveFeeCap")
    assert message.startswith("max priority fee per gas higher than max fee per gas")


@pytest.mark.parametrize("raw", ["0x", "0x02", "0xff", "0xc0", "0x02c0", "0x05" + "00" * 40])
def test_what_is_no_transaction(w3, raw):
    code, *_, retryable = refusal(w3, HexBytes(raw))
    assert (code, retryable) == (INVALID_INPUT, False)


def test_an_unknown_receipt_is_null_and_no_error(w3):
    unknown = "0x" + "ab" * 32
    answer = w3.provider.make_request("eth_getTransactionReceipt", [unknown])
    assert "error" not in answer and answer["result"] is None
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction_receipt(unknown)
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction(unknown)
    with pytest.raises(TimeExhausted):
        w3.eth.wait_for_transaction_receipt(unknown, timeout=0.5)


def test_state_of_an_old_block_is_an_error_and_never_newer_state(w3, purse, sender):
    with pytest.raises(Web3RPCError):
        w3.eth.get_balance(sender.address, 0)
