"""What an operator relies on: health, metrics, logs and an orderly stop under load."""

import json
import os
import pty
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests
from eth_account import Account

from conftest import connect
from node import ENVIRONMENT, SHARDS, Node, tally

TOOLS = Path(__file__).parents[1]
SAMPLE = re.compile(r"^([a-z_]+)(\{.*\})? (\S+)$")


@pytest.fixture
def own(tmp_path):
    node = Node(tmp_path / "data", "--log-level", "debug", "--checkpoint-heights", "5")
    node.start()
    yield node
    if node.process.poll() is None:
        node.kill()


def scrape(node):
    """Values by name with labels."""
    response = requests.get(f"{node.rpc}/metrics", timeout=10)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for line in response.text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            samples[name + (labels or "")] = float(value)
    return samples


def promtool(*arguments, **kwargs):
    result = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=30, **kwargs)
    assert result.returncode == 0, result.stdout + result.stderr
    # It warns without failing.
    assert not result.stderr, result.stderr


def signed(account, nonce, to):
    return account.sign_transaction({
        "chainId": 1337, "nonce": nonce, "gas": 21_000, "to": to, "value": 1,
        "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}).raw_transaction


def test_promtool_finds_nothing_to_say_against_the_metrics(node, w3, purse):
    purse.fresh(0)
    purse.fresh(1)
    promtool("check", "metrics", input=requests.get(f"{node.rpc}/metrics", timeout=10).text)


def test_promtool_takes_the_alarms():
    subprocess.run(
        ["promtool", "check", "rules", str(TOOLS / "prometheus" / "alerts.yml")],
        check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("file", ["grafana/tally.json", "prometheus/alerts.yml"])
def test_every_name_that_is_shown_or_watched_exists(node, file):
    text = (TOOLS / file).read_text()
    if file.endswith(".json"):
        text = "\n".join(expressions(json.loads(text)))
    names = set(re.findall(r"\b(?:tally|process)_[a-z_]+", text))
    assert len(names) > 10
    there = {re.match("[a-z_]+", name).group() for name in scrape(node)}
    assert names - there == set()


def expressions(value):
    """All queries of a dashboard."""
    if isinstance(value, list):
        return [text for item in value for text in expressions(item)]
    if not isinstance(value, dict):
        return []
    own = [value[key] for key in ("expr", "query") if isinstance(value.get(key), str)]
    return own + expressions(list(value.values()))


def test_counters_move_by_what_was_sent(own):
    w3 = connect(own.rpc)
    accounts = [
        Account.from_key(entry["privateKey"])
        for shard in range(SHARDS) for entry in own.accounts if entry["shard"] == shard][:8]
    homes = {entry["address"]: entry["shard"] for entry in own.accounts}
    before = scrape(own)
    hashes = []
    for index, account in enumerate(accounts):
        for nonce in range(index + 1):
            to = accounts[(index + 1) % len(accounts)].address
            hashes.append(w3.eth.send_raw_transaction(signed(account, nonce, to)))
    sent = {shard: 0 for shard in range(SHARDS)}
    for hash in hashes:
        receipt = w3.eth.wait_for_transaction_receipt(hash, timeout=30, poll_latency=0.02)
        sent[homes[receipt["from"]]] += 1
    with pytest.raises(Exception, match="nonce too low"):
        w3.eth.send_raw_transaction(signed(accounts[0], 0, accounts[1].address))
    after = scrape(own)
    moved = {name: after[name] - before[name] for name in after}
    for shard, count in sent.items():
        for outcome, expected in (("succeeded", count), ("failed", 0)):
            name = f'tally_transactions_total{{shard="{shard}",outcome="{outcome}"}}'
            assert moved[name] == expected, name
    offered = 'tally_offered_transactions_total{origin="client",outcome="%s"}'
    assert moved[offered % "accepted"] == len(hashes) == 36
    assert moved[offered % "nonceTooLow"] == 1
    assert moved["tally_verified_transactions_total"] == len(hashes) + 1
    sends = 'tally_rpc_requests_total{method="eth_sendRawTransaction",outcome="%s"}'
    assert moved[sends % "answered"] == len(hashes)
    assert moved[sends % "error"] == 1
    assert moved["tally_beacon_height"] > 0
    assert moved['tally_log_written_bytes_total{log="beacon"}'] > 0
    assert moved["tally_verification_seconds_count"] == len(hashes) + 1


def test_health(node):
    assert requests.get(f"{node.rpc}/livez", timeout=10).text == "ok\n"
    ready = requests.get(f"{node.rpc}/readyz", timeout=10)
    assert (ready.status_code, ready.text) == (200, "ok\n")
    lines = requests.get(f"{node.rpc}/readyz?verbose", timeout=10).text.splitlines()
    assert lines[-1] == "ready"
    names = [line.removeprefix("[+] ").split(":")[0] for line in lines[:-1]]
    shards = [f"shard-{shard}" for shard in range(SHARDS)]
    assert names == ["alive", "beacon", "lag", "disk", *shards, "shard-beacon"]
    assert requests.post(f"{node.rpc}/metrics", timeout=10).status_code == 404


class Load(threading.Thread):
    """Sends batches of transfers of one account until the node is gone."""

    def __init__(self, node, account, to):
        super().__init__()
        self.rpc, self.account, self.to = node.rpc, account, to
        self.accepted = 0

    def run(self):
        session = requests.Session()
        nonce = 0
        try:
            while True:
                batch = [{
                    "jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction",
                    "params": [signed(self.account, nonce + index, self.to).to_0x_hex()],
                } for index in range(20)]
                answers = session.post(self.rpc, json=batch, timeout=30).json()
                self.accepted += sum("result" in answer for answer in answers)
                nonce += len(batch)
        except requests.exceptions.RequestException:
            return


def test_a_node_under_load_stops_soon(own):
    accounts = [Account.from_key(entry["privateKey"]) for entry in own.accounts[:4]]
    loads = [Load(own, account, own.accounts[-1]["address"]) for account in accounts]
    for load in loads:
        load.start()
    deadline = time.monotonic() + 30
    while min(load.accepted for load in loads) < 40 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert own.stop() == 0
    for load in loads:
        load.join()
    assert min(load.accepted for load in loads) >= 40, "there was a load"
    assert own.seconds_to_stop < 5


def test_log_lines_are_json_where_nobody_looks(own):
    w3 = connect(own.rpc)
    account = Account.from_key(own.accounts[0]["privateKey"])
    w3.eth.wait_for_transaction_receipt(
        w3.eth.send_raw_transaction(signed(account, 0, own.accounts[1]["address"])), timeout=30)
    assert own.stop() == 0
    text = Path(own.log.name).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"ledger open", "listening", "stopped"} <= {line["message"] for line in lines}
    for line in lines:
        assert list(line)[:2] == ["time", "level"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    for entry in own.accounts:
        assert entry["privateKey"].removeprefix("0x") not in text


def test_log_lines_are_text_on_a_terminal(tmp_path):
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [tally(), "dev", "--json", "--rpc-port", "0", "--data-dir", str(tmp_path / "data"),
         "--log-level", "info"],
        stdout=subprocess.PIPE, stderr=end, env=ENVIRONMENT, text=True)
    os.close(end)
    ready = json.loads(process.stdout.readline())
    # Whoever answers has heard of signals.
    assert requests.get(f"{ready['rpc']}/livez", timeout=30).status_code == 200
    process.send_signal(signal.SIGTERM)
    text = b""
    try:
        while part := os.read(terminal, 4096):
            text += part
    except OSError:
        pass  # the other end is closed
    assert process.wait(timeout=30) == 0
    lines = text.decode().splitlines()
    assert re.match(r"\S+Z info     ledger: ledger open checkpoint=\S+ cutBytes=0 ", lines[0])
