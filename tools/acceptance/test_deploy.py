"""The examples of tools/deploy: what they run is what the node understands."""

import json
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
import requests

from node import ENVIRONMENT, tally

DEPLOY = Path(__file__).parents[1] / "deploy"
ACCOUNT = "0x2af99e0c66290217e7b55af6600ab9c34da77589"


def setting(name):
    """The values of a setting of the unit, in order."""
    text = (DEPLOY / "tally.service").read_text()
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.fixture
def ledger(tmp_path):
    password = tmp_path / "password"
    password.write_text("of a test\n")
    password.chmod(0o600)
    for arguments in [
        ["genesis", "new", "--account", f"{ACCOUNT}=1ether", "--out", tmp_path / "genesis.json"],
        ["init", "--data-dir", tmp_path / "ledger", "--genesis", tmp_path / "genesis.json",
         "--password-file", password],
    ]:
        subprocess.run(
            [tally(), *arguments], check=True, capture_output=True, env=ENVIRONMENT, timeout=60)
    return tmp_path / "ledger"


def test_the_unit_starts_renews_and_stops_a_node(ledger, tmp_path):
    [command] = setting("ExecStart")
    command = command.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path))
    words = shlex.split(command.replace("/var/lib/tally/ledger", str(ledger)))
    assert words[0] == "/usr/local/bin/tally"
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [tally(), *words[1:], "--rpc-port", "0", "--peer-listen", "127.0.0.1:0", "--json"],
            stdout=subprocess.PIPE, stderr=log, env=ENVIRONMENT, text=True)
    try:
        line = process.stdout.readline()
        assert line, (tmp_path / "log").read_text()
        rpc = json.loads(line)["rpc"]
        assert setting("ExecReload") == ["/bin/kill -HUP $MAINPID"]
        process.send_signal(signal.SIGHUP)
        assert requests.get(f"{rpc}/livez", timeout=10).text == "ok\n"
        process.send_signal(getattr(signal, setting("KillSignal")[0]))
        assert process.wait(float(setting("TimeoutStopSec")[0])) == 0
    finally:
        process.kill()
    for entry in (tmp_path / "log").read_text().splitlines():
        json.loads(entry)


def test_systemd_has_nothing_to_say_against_the_unit(tmp_path):
    unit = tmp_path / "tally.service"
    text = (DEPLOY / "tally.service").read_text()
    unit.write_text(text.replace("/usr/local/bin/tally", tally()))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
        timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    # 0 is all that systemd can fence off, 10 nothing.
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout


def test_the_container_has_the_libraries_of_the_program():
    linked = subprocess.run(["ldd", tally()], check=True, capture_output=True, text=True).stdout
    needed = set()
    for path in re.findall(r"=> (\S+)", linked):
        if "/swift/" in path:
            continue
        owner = subprocess.run(
            ["dpkg", "-S", f"*{path.removeprefix('/usr')}"], capture_output=True, text=True)
        assert owner.returncode == 0, path
        needed.add(owner.stdout.split(":")[0])
    image = (DEPLOY / "Containerfile").read_text().split("\nFROM ")[2]
    [installed] = re.findall(r"--no-install-recommends (.*) \\", image)
    # What every Debian has.
    assert needed - {"libc6", "libstdc++6", "libgcc-s1"} == set(installed.split())
