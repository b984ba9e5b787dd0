"""What the demo reads: JSON-RPC, receipts of every block, logs decoded by the published ABI."""

import json
import pathlib
import urllib.request
from dataclasses import dataclass

from eth_abi import decode
from eth_utils import keccak

ABI = pathlib.Path(__file__).resolve().parents[2] / "Specs" / "abi"


@dataclass
class Event:
    name: str
    fields: dict
    block: int
    shard: int
    door: str


class Interface:
    """Every event of the published ABI, by its first topic."""

    def __init__(self):
        self.events = {}
        for path in sorted(ABI.glob("*.json")):
            for item in json.loads(path.read_text(encoding="utf-8")):
                if item["type"] != "event":
                    continue
                signature = f"{item['name']}({','.join(i['type'] for i in item['inputs'])})"
                self.events["0x" + keccak(text=signature).hex()] = item

    def decode(self, log, block, shard):
        item = self.events[log["topics"][0]]
        fields, topics = {}, log["topics"][1:]
        for entry in (i for i in item["inputs"] if i["indexed"]):
            (fields[entry["name"]],) = decode([entry["type"]], bytes.fromhex(topics.pop(0)[2:]))
        plain = [i for i in item["inputs"] if not i["indexed"]]
        values = decode([i["type"] for i in plain], bytes.fromhex(log["data"][2:]))
        fields.update(zip((i["name"] for i in plain), values))
        return Event(item["name"], fields, block, shard, log["address"])


@dataclass
class History:
    """All blocks up to one height, and the balances as of it."""

    blocks: list  # of lists of receipts, each with its events
    times: list  # of beacon blocks, in milliseconds
    values: dict  # of transactions, by hash
    balances: dict
    nodes: dict  # by owner
    height: int
    log_count: int


class Ledger:
    def __init__(self, url):
        self.url = url
        self.interface = Interface()

    def post(self, body):
        request = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def call(self, method, *params):
        answer = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def batch(self, calls):
        results = []
        for start in range(0, len(calls), 50):
            part = calls[start : start + 50]
            answers = self.post(
                [
                    {"jsonrpc": "2.0", "id": index, "method": method, "params": list(params)}
                    for index, (method, *params) in enumerate(part)
                ]
            )
            by_id = {answer["id"]: answer for answer in answers}
            for index in range(len(part)):
                if "error" in by_id[index]:
                    raise RuntimeError(f"{part[index]}: {by_id[index]['error']}")
                results.append(by_id[index]["result"])
        return results

    def history(self, genesis):
        accounts = [account["address"] for account in genesis["accounts"]]
        while True:
            before = int(self.call("eth_blockNumber"), 16)
            balances = self.batch([("eth_getBalance", account, "latest") for account in accounts])
            nodes = self.batch([("compute_node", account) for account in accounts])
            if int(self.call("eth_blockNumber"), 16) == before:
                break
        heights = [hex(height) for height in range(before + 1)]
        receipts = self.batch([("eth_getBlockReceipts", height) for height in heights])
        blocks = self.batch([("eth_getBlockByNumber", height, True) for height in heights])
        values, count = {}, 0
        for height, (block, found) in enumerate(zip(blocks, receipts)):
            for transaction in block["transactions"]:
                values[transaction["hash"]] = int(transaction["value"], 16)
            for receipt in found:
                receipt["events"] = [
                    self.interface.decode(log, height, int(receipt["shard"], 16))
                    for log in receipt["logs"]
                ]
                count += len(receipt["events"])
        return History(
            blocks=receipts,
            times=[int(block["timestampMs"], 16) if isinstance(block["timestampMs"], str)
                   else block["timestampMs"] for block in blocks],
            values=values,
            balances={a: int(balance, 16) for a, balance in zip(accounts, balances)},
            nodes={a: node for a, node in zip(accounts, nodes) if node},
            height=before,
            log_count=count,
        )
