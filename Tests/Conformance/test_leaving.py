"""How an executor leaves under load: clients are told, health checks say no, and no request is lost."""

import errno
import selectors
import signal
import socket

import pytest

from goldens import MODELS, Golden
from programs import House, wait_until

NAME = sorted(p.name for p in MODELS.iterdir() if (p / "golden.csv").exists())[0]
GOLDEN = Golden(MODELS / NAME / "golden.csv")
PING = b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"


def prediction():
    body = GOLDEN.lines[0].encode()
    return b"POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def leave(folder):
    """An executor with a model live and flags of its own."""
    houses = []

    def start(*flags):
        house = House(folder, *flags)
        houses.append(house)
        artifact = next(p for p in sorted((MODELS / NAME).iterdir()) if p.name not in ("golden.csv", "README.md"))
        house.push(NAME, artifact, artifact.name)
        wait_until("the model is live", lambda: house.executor.ping() == 200)
        return house.executor

    yield start
    for house in houses:
        house.stop()


class Client:
    """Asks again and again on one connection, and on a new one when it is told that the old one ends."""

    def __init__(self, executor, selector, request, is_unix):
        self.address = str(executor.socket) if is_unix else ("127.0.0.1", executor.port)
        self.family = socket.AF_UNIX if is_unix else socket.AF_INET
        self.selector, self.request = selector, request
        self.statuses, self.lost, self.told_count, self.is_done = [], [], 0, False
        self.begin()

    def begin(self):
        self.socket = socket.socket(self.family)
        self.socket.setblocking(False)
        error = self.socket.connect_ex(self.address)
        if error in (errno.ECONNREFUSED, errno.ENOENT):
            return self.end()
        assert error in (0, errno.EINPROGRESS), errno.errorcode[error]
        self.answer = None
        self.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def end(self):
        self.socket.close()
        self.is_done = True

    def fail(self, what):
        self.lost.append((len(self.statuses), what))
        self.selector.unregister(self.socket)
        self.end()

    def step(self):
        try:
            if self.answer is None:
                return self.connected()
            piece = self.socket.recv(65536)
        except OSError as error:
            return self.fail(repr(error))
        self.answer += piece
        head, end, body = self.answer.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        if not piece and not end:
            return self.fail(f"end after {len(self.answer)} bytes")
        if end and len(body) >= int(fields.get(b"content-length", 0)):
            self.answered(int(head.split()[1]), fields.get(b"connection") == b"close")

    def connected(self):
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error == errno.ECONNREFUSED:
            self.selector.unregister(self.socket)
            return self.end()
        if error:
            return self.fail(errno.errorcode[error])
        self.selector.modify(self.socket, selectors.EVENT_READ, self)
        self.send()

    def send(self):
        self.answer = b""
        try:
            assert self.socket.send(self.request) == len(self.request)
        except OSError as error:
            self.fail(repr(error))

    def answered(self, status, is_last):
        self.statuses.append(status)
        if not is_last:
            return self.send()
        self.told_count += 1
        self.selector.unregister(self.socket)
        self.socket.close()
        self.begin()


def test_busy_clients_lose_nothing(leave):
    executor = leave()
    with selectors.DefaultSelector() as selector:
        clients = [Client(executor, selector, prediction(), is_unix=index % 2 == 0) for index in range(16)]
        watchers = [Client(executor, selector, PING, is_unix) for is_unix in (False, True)]
        every = clients + watchers
        has_signalled = False
        while not all(client.is_done for client in every):
            for key, _ in selector.select(timeout=30) or pytest.fail("nothing more comes"):
                key.data.step()
            if not has_signalled and all(len(client.statuses) >= 20 for client in every):
                assert not any(client.told_count for client in every)
                executor.process.send_signal(signal.SIGTERM)
                has_signalled = True
    assert executor.process.wait(30) == 0
    assert [client.lost for client in every] == [[]] * len(every)
    for client in clients:
        assert client.told_count > 0 and set(client.statuses) == {200}
    for watcher in watchers:
        # Readiness was taken back once, while it could still be seen.
        assert watcher.statuses[0] == 200 and watcher.statuses[-1] == 503
        assert watcher.statuses == sorted(watcher.statuses)


def test_it_leaves_with_its_last_client(leave):
    executor = leave("--lame-duck-ms", "600000")
    idle = executor.connect()
    idle.request("GET", "/ping")
    assert idle.getresponse().read() == b""
    executor.process.send_signal(signal.SIGTERM)
    wait_until("readiness is taken back", lambda: executor.ping() == 503)
    # Loops learn of it one after another, a moment later.
    for _ in range(4):
        wait_until("clients are told", lambda: executor.predict(GOLDEN.lines[0])[1]["connection"] == "close")
    idle.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        idle.sock.recv(1)
    idle.sock.settimeout(30)
    status, headers, _ = executor.predict(GOLDEN.lines[0], connection=idle)
    assert status == 200 and headers["connection"] == "close", "idle connections are kept, and end with their next answer"
    assert executor.process.wait(30) == 0
