"""The change feed as minio's client and as a follower with a cursor see it."""

import http.client
import json
import threading
import urllib.parse

from urllib.parse import quote

from programs import ACCESS_KEY, SECRET_KEY, Store
from test_bad_input import EMPTY, Signer


class Follower:
    """One listen connection. Signed by hand: botocore's signer keeps only the first of several `events`."""

    def __init__(self, store, bucket, cursor=None, prefix="", suffix="", events=("s3:ObjectCreated:*", "s3:ObjectRemoved:*")):
        pairs = [("events", event) for event in events] + [("prefix", prefix), ("suffix", suffix)]
        if cursor is not None:
            pairs.append(("cursor", cursor))
        query = "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs))
        headers = Signer(store).headers("GET", f"/{bucket}", EMPTY, query=query)
        self.connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=20)
        self.connection.request("GET", f"/{bucket}?{query}", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.head = self.response.headers.get("x-lodestore-feed-cursor")

    def take(self, count):
        records = []
        while len(records) < count:
            line = self.response.readline().strip()
            if line:
                records += json.loads(line)["Records"]
        return records

    def close(self):
        self.connection.close()


def names(records):
    return [(r["eventName"], urllib.parse.unquote_plus(r["s3"]["object"]["key"])) for r in records]


def test_minio_client_hears_what_happens(store, bucket):
    from minio import Minio

    client = Minio(f"127.0.0.1:{store.port}", access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False, region="us-east-1")
    heard, listening = [], threading.Event()

    def listen():
        with client.listen_bucket_notification(bucket, prefix="in/", suffix=".txt", events=["s3:ObjectCreated:*"]) as events:
            listening.set()
            for event in events:
                heard.extend(event["Records"])
                if len(heard) == 2:
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    s3 = store.client()
    assert listening.wait(20)
    deadline = threading.Event()
    # The listener counts as connected once its answer's head came; what is put before that is found by listing.
    while thread.is_alive() and not deadline.wait(0.2) and len(heard) < 2:
        s3.put_object(Bucket=bucket, Key="out/a.txt", Body=b"1")
        s3.put_object(Bucket=bucket, Key="in/a.bin", Body=b"1")
        s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"22")
    thread.join(20)
    assert {urllib.parse.unquote_plus(r["s3"]["object"]["key"]) for r in heard} == {"in/a.txt"}
    assert heard[0]["s3"]["object"]["size"] == 2 and heard[0]["s3"]["bucket"]["name"] == bucket


def test_a_cursor_resumes_with_no_gap_and_no_repeat(folder):
    store = Store(folder / "store").start()
    s3 = store.client()
    s3.create_bucket(Bucket="feed")
    first = Follower(store, "feed")
    assert first.status == 200 and first.head
    s3.put_object(Bucket="feed", Key="a", Body=b"1")
    s3.put_object(Bucket="feed", Key="b", Body=b"2")
    s3.delete_object(Bucket="feed", Key="a")
    records = first.take(3)
    assert names(records) == [("s3:ObjectCreated:Put", "a"), ("s3:ObjectCreated:Put", "b"), ("s3:ObjectRemoved:Delete", "a")]
    first.close()

    sequencers = [r["s3"]["object"]["sequencer"] for r in records]
    assert len(set(sequencers)) == 3
    store.kill()
    store.start()
    s3.copy_object(Bucket="feed", Key="c", CopySource="feed/b")
    resumed = Follower(store, "feed", cursor=sequencers[0])
    assert names(resumed.take(3)) == [("s3:ObjectCreated:Put", "b"), ("s3:ObjectRemoved:Delete", "a"), ("s3:ObjectCreated:Copy", "c")]
    resumed.close()
    from_head = Follower(store, "feed", cursor=first.head)
    assert names(from_head.take(4))[0] == ("s3:ObjectCreated:Put", "a")
    from_head.close()
    foreign = Follower(store, "feed", cursor="not-one-of-ours")
    assert foreign.status == 410
    foreign.close()
    assert store.stop() == 0


def test_many_events_arrive_once_and_in_order(store, bucket):
    s3 = store.client()
    follower = Follower(store, bucket)
    keys = [f"k{n:04d}" for n in range(300)]

    def put(share):
        own = store.client()
        for key in share:
            own.put_object(Bucket=bucket, Key=key, Body=key.encode())

    threads = [threading.Thread(target=put, args=(keys[n::8],)) for n in range(8)]
    [t.start() for t in threads]
    records = follower.take(len(keys))
    [t.join() for t in threads]
    heard = [key for _, key in names(records)]
    assert sorted(heard) == keys
    for share in (keys[n::8] for n in range(8)):
        assert [key for key in heard if key in set(share)] == share, "one writer's puts are heard in its order"
    follower.close()
    assert "Contents" in s3.list_objects_v2(Bucket=bucket)
