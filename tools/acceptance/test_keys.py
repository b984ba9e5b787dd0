"""Keys and signatures that pass between `tally keys` and eth-account."""

import json
import os
import pty
import signal
import subprocess
import termios

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from node import ENVIRONMENT, tally

Account.enable_unaudited_hdwallet_features()
PHRASES = [
    "test test test test test test test test test test test junk",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing "
    "screen patrol group space point ten exist slush involve unfold",
]
PASSWORD = "correct horse"


@pytest.fixture
def files(tmp_path):
    """Writes a file that only its owner reads, and returns its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return str(path)

    return write


def run(*arguments):
    done = subprocess.run(
        [tally(), *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported(files, tmp_path, source, text, *options):
    """Imports a secret; returns the address and the path of the file it is kept in."""
    answer = json.loads(run(
        "keys", "import", "--from", source, "--file", files("secret", text),
        "--keystore-dir", str(tmp_path / "keys"), "--password-file", files("password", PASSWORD),
        "--json", *options))
    return answer["address"], answer["file"]


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("path", ["m/44'/60'/0'/0/0", "m/44'/60'/0'/0/7", "m/44'/60'/3'/1/2"])
def test_derives_the_keys_of_other_wallets(files, tmp_path, phrase, path):
    address, _ = imported(files, tmp_path, "mnemonic", phrase, "--path", path)
    assert address.lower() == Account.from_mnemonic(phrase, account_path=path).address.lower()


def test_other_wallets_open_its_keystores(files, tmp_path):
    account = Account.create()
    address, file = imported(files, tmp_path, "private-key", account.key.to_0x_hex())
    assert address.lower() == account.address.lower()
    with open(file) as kept:
        assert Account.decrypt(kept.read(), PASSWORD) == account.key


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_opens_the_keystores_of_other_wallets(files, tmp_path, kdf):
    account = Account.create()
    document = json.dumps(Account.encrypt(account.key, "theirs", kdf=kdf))
    address, _ = imported(
        files, tmp_path, "keystore", document, "--source-password-file",
        files("theirs", "theirs"))
    assert address.lower() == account.address.lower()


def test_signs_messages_as_other_wallets_do(files):
    account = Account.create()
    text = "a message, with ümlauts"
    answer = json.loads(run(
        "keys", "sign", "--key-file", files("key", account.key.to_0x_hex()), "--message", text,
        "--json"))
    message = encode_defunct(text=text)
    assert answer["signature"] == account.sign_message(message).signature.to_0x_hex()
    assert Account.recover_message(message, signature=answer["signature"]) == account.address


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_password_prompt_gives_the_echo_back(tmp_path, number):
    program = [tally(), "keys", "new", "--keystore-dir", str(tmp_path / "keys")]
    child, terminal = pty.fork()
    if child == 0:
        os.execve(program[0], program, ENVIRONMENT)
    shown = b""
    while b"Password of the new key" not in shown:
        shown += os.read(terminal, 4096)
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        pass
    if number == signal.SIGINT:
        os.write(terminal, b"\x03")
    else:
        os.kill(child, number)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == number
    assert termios.tcgetattr(terminal)[3] & termios.ECHO
    os.close(terminal)
    assert not (tmp_path / "keys").exists()
