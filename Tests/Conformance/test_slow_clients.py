"""Clients that are slow, silent or strangers: what the store holds for them is bounded, and its neighbours are served."""

import http.client
import os
import resource

import pytest

from crowd import Crowd, allow_descriptors
from programs import Store, wait_until
from test_bad_input import EMPTY, Signer
from test_feed import Follower

LARGE, SENT = 64 << 20, 1_258_291
MEMORY_MIB = 224
READERS, UPLOADS, FOLLOWERS, STRANGERS = 100, 60, 30, 500


@pytest.fixture
def start_store(folder):
    """Starts the one store of a test, which does not outlive it."""
    stores = []

    def start(*flags, descriptor_limit=None):
        store = Store(folder, *flags)
        stores.append(store)
        store.descriptor_limit = descriptor_limit
        return store.start()

    yield start
    for store in stores:
        assert store.stop() == 0


def feed_with_history(store, bucket):
    """Makes a bucket whose followers have a megabyte before them; answers the cursor in front of it."""
    client = store.client()
    client.create_bucket(Bucket=bucket)
    follower = Follower(store, bucket)
    follower.close()
    signer, connection = Signer(store), http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)
    for number in range(400):
        path = f"/{bucket}/{number:0900d}"
        connection.request("PUT", path, body=b"", headers=signer.headers("PUT", path, EMPTY))
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    return follower.head


def test_a_crowd_is_held_within_the_memory_that_was_stated(start_store):
    allow_descriptors(READERS + UPLOADS + FOLLOWERS + STRANGERS + 256)
    store = start_store("--memory-mib", str(MEMORY_MIB), "--log-level", "warning")
    client = store.client()
    client.create_bucket(Bucket="big")
    client.put_object(Bucket="big", Key="object", Body=os.urandom(LARGE))
    cursor = feed_with_history(store, "feed")
    with Crowd(store) as crowd:
        crowd.readers(READERS, "/big/object")
        crowd.uploads(UPLOADS, "big", LARGE, SENT)
        crowd.followers(FOLLOWERS, "feed", cursor)
        crowd.strangers(STRANGERS)
        assert crowd.statuses("readers") == {200: READERS}
        assert crowd.statuses("followers") == {200: FOLLOWERS}
        most = 0
        for number in range(10):
            client.put_object(Bucket="big", Key=f"neighbour/{number}", Body=bytes(100_000))
            assert client.get_object(Bucket="big", Key=f"neighbour/{number}")["Body"].read() == bytes(100_000)
            most = max(most, store.resident_bytes())
            crowd.linger()
        assert most <= MEMORY_MIB << 20, f"{most >> 20} MiB"
    # The crowd has gone: what was held for it goes back to the system.
    wait_until("the memory is given back", lambda: store.resident_bytes() < most * 3 // 4, seconds=20)


def test_strangers_take_no_descriptor_that_the_engine_needs(start_store):
    allow_descriptors(1024)
    store = start_store("--log-level", "warning", descriptor_limit=512)
    client = store.client()
    client.create_bucket(Bucket="bucket")
    with Crowd(store) as crowd:
        crowd.strangers(600)
        # Bodies that become tables of their own, and enough through the log that memory is flushed and a new log is opened.
        for number in range(2):
            client.put_object(Bucket="bucket", Key=f"table/{number}", Body=bytes(17 << 20))
        for number in range(6):
            client.put_object(Bucket="bucket", Key=f"log/{number}", Body=bytes(14 << 20))
        assert len(client.get_object(Bucket="bucket", Key="table/0")["Body"].read()) == 17 << 20
        assert len(client.get_object(Bucket="bucket", Key="log/5")["Body"].read()) == 14 << 20
        used = len(os.listdir(f"/proc/{store.process.pid}/fd"))
        assert used < 512 - 64, used
        # Those that signed came in, whoever was there before.
        for _ in range(20):
            assert store.client().head_object(Bucket="bucket", Key="log/0")["ContentLength"] == 14 << 20


@pytest.mark.parametrize("size", [0, 700_000])
def test_the_log_says_what_came_and_not_what_was_announced(start_store, size):
    store = start_store()
    store.client().create_bucket(Bucket="bucket")
    with Crowd(store) as crowd:
        crowd.uploads(1, "bucket", 1_000_000, size)
        crowd.members["uploads"][0].shutdown(1)
        crowd.statuses("uploads")
        record = wait_until("the request is logged", lambda: next(
            (r for r in store.log_records() if r.get("http.target") == "/bucket/stalled/0"), None))
    assert int(record["http.received.bytes"]) == size


def test_who_finds_no_room_is_told_when_to_come_back(start_store):
    store = start_store("--max-connections", "2", "--log-level", "warning")
    client = Signer(store)
    with Crowd(store) as crowd:
        for _ in range(2):
            busy = crowd._connect("busy", crowd._request("GET", "/"))
            assert busy.recv(12) == b"HTTP/1.1 200"
        answer = crowd._connect("turned away").recv(4096).lower()
        assert answer.startswith(b"http/1.1 503 ") and b"\r\nretry-after: 1\r\n" in answer and b"slowdown" in answer
    wait_until("there is room again", lambda: answered(client))


def answered(client):
    try:
        return client.send("GET", "/")[0] == 200
    except OSError:
        return False
