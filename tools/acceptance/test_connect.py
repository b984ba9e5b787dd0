"""Who answers, and on which chain."""

import re

import pytest
from web3.exceptions import MethodUnavailable

RESERVED = "0x000000000000000000000000000000000000c001"


def test_connects(w3):
    assert w3.is_connected(show_traceback=True)


def test_tells_its_name_and_version(w3):
    assert re.fullmatch(r"[Tt]ally(stick)?/v?\d+\.\d+\.\d+.*", w3.client_version)


def test_tells_the_chain_it_was_started_with(w3, node):
    assert w3.eth.chain_id == node.chain_id
    assert w3.net.version == str(node.chain_id)


def test_is_never_syncing(w3):
    assert w3.eth.syncing is False


def test_lists_the_accounts_it_has_shown(w3, node):
    assert [a.lower() for a in w3.eth.accounts] == [a["address"].lower() for a in node.accounts]


def test_has_accounts_on_every_shard(node):
    assert {a["shard"] for a in node.accounts} == set(range(4))


def test_shows_code_only_where_there_are_operations(w3, accounts):
    assert w3.eth.get_code(accounts[0][0].address) == b""
    assert w3.eth.get_code(w3.to_checksum_address(RESERVED)) == b"\xfe"


def test_says_of_a_method_that_it_is_not_there(w3):
    with pytest.raises(MethodUnavailable) as error:
        w3.eth.sign(w3.eth.accounts[0], text="no keys here")
    assert error.value.rpc_response["error"]["code"] == -32601
