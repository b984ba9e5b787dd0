"""The same methods over a WebSocket, and new heads as they come."""

import asyncio

from web3 import AsyncWeb3, WebSocketProvider

from conftest import connect


def test_answers_over_a_websocket(node, w3):
    async def run():
        async with AsyncWeb3(WebSocketProvider(node.websocket)) as own:
            assert await own.is_connected()
            assert await own.eth.chain_id == w3.eth.chain_id
            assert (await own.eth.get_block(0)).hash == w3.eth.get_block(0).hash
            numbers = await asyncio.gather(*(own.eth.block_number for _ in range(50)))
            assert min(numbers) >= 0

    asyncio.run(asyncio.wait_for(run(), 30))


def test_sends_and_waits_over_a_websocket(node, purse):
    sender, receiver = purse.fresh(0), purse.empty(0)

    async def run():
        async with AsyncWeb3(WebSocketProvider(node.websocket)) as own:
            signed = purse.sign(sender, receiver.address, 5)
            hash = await own.eth.send_raw_transaction(signed.raw_transaction)
            receipt = await own.eth.wait_for_transaction_receipt(hash, timeout=20)
            assert receipt.status == 1
            assert await own.eth.get_balance(receiver.address) == 5

    asyncio.run(asyncio.wait_for(run(), 30))


def test_announces_heads_that_can_be_read(node, w3, purse):
    """Each head once, in order, and whatever it holds is there when it is announced."""
    sender, receiver = purse.fresh(1), purse.empty(1)

    async def run():
        async with AsyncWeb3(WebSocketProvider(node.websocket)) as own:
            subscription = await own.eth.subscribe("newHeads")
            hashes = []
            for nonce in range(5):
                signed = purse.sign(sender, receiver.address, 1, nonce=nonce)
                hashes.append(await own.eth.send_raw_transaction(signed.raw_transaction))
            heads, found = [], set()
            async for message in own.socket.process_subscriptions():
                assert message["subscription"] == subscription
                head = message["result"]
                heads.append(head)
                block = await own.eth.get_block(head.hash)
                assert (block.number, block.parentHash) == (head.number, head.parentHash)
                found |= set(block.transactions)
                if found >= set(hashes):
                    break
            assert await own.eth.unsubscribe(subscription)
            return heads

    heads = asyncio.run(asyncio.wait_for(run(), 30))
    assert len(heads) >= 1
    for parent, head in zip(heads, heads[1:]):
        assert head.number == parent.number + 1
        assert head.parentHash == parent.hash
    fresh = connect(node.rpc)
    assert [fresh.eth.get_block(head.number).hash for head in heads] == [h.hash for h in heads]
