"""JSON-RPC to a node, which may live in a network namespace."""

import ctypes
import http.client
import json
import os
import socket

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class Unreachable(Exception):
    """The node did not answer: it is away, paused or too slow."""


class Refused(Exception):
    """The node answered by an error."""

    def __init__(self, error):
        super().__init__(error.get("message", ""))
        self.code = error.get("code")
        self.reason = (error.get("data") or {}).get("reason", "")
        self.is_retryable = bool((error.get("data") or {}).get("retryable"))


def connect_in(namespace, address, timeout):
    """A connection made inside a namespace; the thread is back in its own afterwards."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    away = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if LIBC.setns(away, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"no way into {namespace}")
        try:
            return socket.create_connection(address, timeout)
        finally:
            if LIBC.setns(home, CLONE_NEWNET):
                os._exit(3)
    finally:
        os.close(home)
        os.close(away)


class Connection(http.client.HTTPConnection):
    def __init__(self, port, namespace, timeout):
        super().__init__("127.0.0.1", port, timeout=timeout)
        self.namespace = namespace

    def connect(self):
        if self.namespace is None:
            super().connect()
        else:
            self.sock = connect_in(self.namespace, (self.host, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Client:
    """Calls of one thread to one node, over one connection."""

    def __init__(self, port, namespace=None, timeout=5):
        self.port, self.namespace, self.timeout = port, namespace, timeout
        self.connection = None

    def post(self, body):
        try:
            if self.connection is None:
                self.connection = Connection(self.port, self.namespace, self.timeout)
            self.connection.request(
                "POST", "/", json.dumps(body), {"content-type": "application/json"}
            )
            response = self.connection.getresponse()
            text = response.read()
            if response.status != 200:
                raise Unreachable(f"HTTP {response.status}")
            return json.loads(text)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def call(self, method, *parameters):
        reply = self.post(request(0, method, parameters))
        if "error" in reply:
            raise Refused(reply["error"])
        return reply["result"]

    def batch(self, calls):
        """Answers in order, `Refused` among them. A batch is divided into what a node takes."""
        answers = []
        for start in range(0, len(calls), 50):
            part = calls[start : start + 50]
            replies = self.post(
                [request(number, method, given) for number, (method, *given) in enumerate(part)]
            )
            if not isinstance(replies, list) or len(replies) != len(part):
                raise Unreachable(f"a batch was answered by {str(replies)[:200]}")
            for reply in sorted(replies, key=lambda each: each["id"]):
                answers.append(Refused(reply["error"]) if "error" in reply else reply["result"])
        return answers


def request(number, method, parameters):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
