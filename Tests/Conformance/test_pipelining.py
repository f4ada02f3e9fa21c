"""Many requests on one connection, sent in pieces of any size, unusual and broken ones among them: every answer comes, in order, over
TCP and over the Unix socket alike, also when the client stops sending before the first of them."""

import random
import re
import socket
import threading

import pytest

from goldens import MODELS, Golden
from programs import House, wait_until

NAME = sorted(p.name for p in MODELS.iterdir() if (p / "golden.csv").exists())[0]
GOLDEN = Golden(MODELS / NAME / "golden.csv")
# Nothing is shed, however slow the machine is: then the answers depend on the requests alone.
FLAGS = ("--max-queue-ms", "60000")


def post(rows, framing=None):
    body = "\n".join(rows).encode()
    head = b"POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Type: text/csv\r\n"
    if framing == "chunked":
        return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def request(chance):
    """A request and the status that it gets."""
    rows = lambda low, high: [chance.choice(GOLDEN.lines) for _ in range(chance.randrange(low, high))]
    kind = chance.random()
    if kind < 0.5:
        return post(rows(1, 2)), 200
    if kind < 0.75:
        return post(rows(2, 200)), 200
    if kind < 0.85:
        return post(rows(3000, 20000)), 200  # for a worker
    if kind < 0.92:
        return post(rows(1, 50), "chunked"), 200  # for the codec
    if kind < 0.96:
        return b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n", 200
    return post(["1,x"]), 400


def conversation(chance):
    """What a client sends, and the statuses that it gets."""
    requests = [request(chance) for _ in range(chance.randrange(1, 25))]
    end = chance.random()
    if end < 0.3:
        requests.append((b"GARBAGE\r\n\r\n", 400))
    elif end < 0.5:
        requests.append((b"GET /ping HTTP/1.1\r\n\r\n", 400))  # without Host
    elif end < 0.7:
        requests.append((b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 200))
    elif end < 0.8:
        requests.append((post([GOLDEN.lines[0]])[:-3], 400))  # cut short
    return b"".join(sent for sent, _ in requests), [status for _, status in requests]


def talk(executor, is_unix, data, chance):
    """Sends the bytes in pieces and closes that half; returns all that is answered, but for what differs each time."""
    with socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET) as client:
        client.settimeout(60)
        client.connect(str(executor.socket) if is_unix else ("127.0.0.1", executor.port))

        def send():
            position = 0
            while position < len(data):
                count = chance.choice([1, 7, 100, 1000, 5000, 70_000, 1 << 20])
                client.sendall(data[position:position + count])
                position += count
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        answer = bytearray()
        while piece := client.recv(65536):
            answer += piece
        sender.join()
    # An answer says "close" if it is known by then that no other follows.
    return re.sub(rb"(?im)^(date|connection|x-[^:\n]*id): .*\r\n", b"", bytes(answer))


@pytest.fixture
def executor(folder):
    house = House(folder, *FLAGS)
    artifact = next(p for p in sorted((MODELS / NAME).iterdir()) if p.name not in ("golden.csv", "README.md"))
    house.push(NAME, artifact, artifact.name)
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    yield house.executor
    house.stop()


def test_every_request_of_a_pipeline_is_answered_in_its_turn(executor):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    for number in range(60):
        data, statuses = conversation(random.Random(f"{seed} {number}"))
        answers = [talk(executor, is_unix, data, random.Random(number)) for is_unix in (False, True)]
        for answer in answers:
            assert [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", answer)] == statuses, number
        assert answers[0] == answers[1], number
