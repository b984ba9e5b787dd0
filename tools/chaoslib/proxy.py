"""A process between validators: what it forwards is late, stalls, or ends.

Reads commands from standard input, a JSON object a line:
  {"delay": [low, high]}  milliseconds, drawn anew for every piece of a stream
  {"stall": [ports]}      pieces for these ports wait, until a command names others
  {"cut": [ports]}        the connections of these ports end
  {"tell": true}          prints how many pieces were forwarded so far
A stream stays in order, as TCP promises; streams and directions overtake each other.
"""

import asyncio
import json
import random
import sys


class Relay:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.delay = (0.0, 0.0)
        self.stalled = set()
        self.news = asyncio.Event()
        self.connections = {}
        self.pieces = 0

    async def serve(self, port, target):
        async def accept(reader, writer):
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
            except OSError:
                writer.close()
                return
            both = (writer, far_writer)
            self.connections.setdefault(port, set()).add(both)
            try:
                await asyncio.gather(
                    self.forward(reader, far_writer, port), self.forward(far_reader, writer, port)
                )
            finally:
                self.connections[port].discard(both)
                for end in both:
                    end.close()

        await asyncio.start_server(accept, "127.0.0.1", port)

    async def forward(self, reader, writer, port):
        queue = asyncio.Queue(maxsize=256)
        sender = asyncio.create_task(self.send(queue, writer, port))
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(65536):
                due = loop.time() + self.random.uniform(*self.delay)
                await queue.put((due, data))
        except OSError:
            pass
        await queue.put(None)
        await sender

    async def send(self, queue, writer, port):
        loop = asyncio.get_running_loop()
        try:
            while piece := await queue.get():
                due, data = piece
                await asyncio.sleep(max(0, due - loop.time()))
                while port in self.stalled:
                    await self.news.wait()
                writer.write(data)
                self.pieces += 1
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.close()
            while await queue.get():
                pass

    def obey(self, command):
        if "delay" in command:
            self.delay = tuple(value / 1000 for value in command["delay"])
        if "stall" in command:
            self.stalled = set(command["stall"])
            self.news.set()
            self.news.clear()
        if "tell" in command:
            print(self.pieces, flush=True)
        for port in command.get("cut", ()):
            for both in list(self.connections.get(port, ())):
                for end in both:
                    end.transport.abort()


async def relay(seed, routes):
    proxy = Relay(seed)
    for port, target in routes:
        await proxy.serve(port, target)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        proxy.obey(json.loads(line))


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1], json.loads(sys.argv[2])))
