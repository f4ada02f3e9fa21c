"""A full disk is an error and not the end: a real small filesystem, filled by the store's own clients and by others."""

import contextlib
import hashlib
import http.client
import os
import subprocess
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from programs import PROGRAMS, Store, wait_until

KIB, MIB = 1 << 10, 1 << 20
SIZES = [1 * KIB, 20 * KIB, 200 * KIB, 1 * MIB, 3 * MIB, 17 * MIB]
CYCLES = 20


@contextlib.contextmanager
def small_filesystem(folder, mebibytes):
    path = folder / "small"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", path], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no filesystem can be mounted here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@contextlib.contextmanager
def store_on(path, folder, *flags):
    store = Store(folder / "store", *flags)
    store.data = path / "data"
    try:
        yield store.start()
    finally:
        if store.is_running():
            store.kill()


def fill(path):
    """Takes what is free on the filesystem, to the last byte."""
    filler = path / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\1" * (64 * KIB)):
            pass
    return filler


def ready(store):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)) as connection:
        connection.request("GET", "/_lodestore/health/ready")
        response = connection.getresponse()
        return response.status, response.read().decode()


def check(store):
    return subprocess.run([PROGRAMS / "lodestore", "check", "--data", store.data], capture_output=True, text=True, timeout=60)


def put(s3, key, body):
    """True when it was acknowledged, False when the store was full; anything else fails the test."""
    try:
        s3.put_object(Bucket="space", Key=key, Body=body)
        return True
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 507, error
        assert error.response["Error"]["Code"] == "InsufficientStorage", error
        return False


class Load:
    """Writers that put until the store is full, and a reader that never stops."""

    def __init__(self, store):
        self.store = store
        self.objects, self.failures = {}, []
        self.refusals = self.reads = 0
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.kept = {}

    def guarded(self, body, *arguments):
        try:
            body(*arguments)
        except Exception as failure:
            self.failures.append(failure)

    def write_until_full(self, cycle, writer):
        s3 = self.store.client()
        for number in range(100_000):
            key, body = f"c{cycle}/w{writer}/{number}", os.urandom(SIZES[(number + writer) % len(SIZES)])
            try:
                stored = put(s3, key, body)
            except BotoCoreError:
                # Refused in the middle of the body: the connection is cut under a client that is still sending.
                stored = None
            if stored:
                with self.lock:
                    self.objects[key] = hashlib.md5(body).hexdigest()
            elif stored is False:
                self.refusals += 1
                return

    def read_on(self):
        s3 = self.store.client()
        keys = sorted(self.kept)
        while not self.ended.is_set():
            key = keys[self.reads % len(keys)]
            body = s3.get_object(Bucket="space", Key=key)["Body"].read()
            assert hashlib.md5(body).hexdigest() == self.kept[key], key
            self.reads += 1


def test_filled_and_emptied_twenty_times_under_load(folder):
    with small_filesystem(folder, 72) as path, store_on(path, folder, "--reserve-mib", "8") as store:
        s3 = store.client()
        s3.create_bucket(Bucket="space")
        load = Load(store)
        for number, size in enumerate(SIZES[:5]):
            body = os.urandom(size)
            assert put(s3, f"kept/{number}", body)
            load.kept[f"kept/{number}"] = hashlib.md5(body).hexdigest()
        reader = threading.Thread(target=load.guarded, args=(load.read_on,), daemon=True)
        reader.start()
        for cycle in range(CYCLES):
            writers = [threading.Thread(target=load.guarded, args=(load.write_until_full, cycle, n)) for n in range(3)]
            [writer.start() for writer in writers]
            [writer.join() for writer in writers]
            assert load.failures == []
            assert store.is_running(), store.log()[-4000:]
            listed = {}
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket="space"):
                listed.update({item["Key"]: item["ETag"].strip('"') for item in page.get("Contents", [])})
            lost = {key for key, tag in (load.objects | load.kept).items() if listed.get(key) != tag}
            assert lost == set(), "acknowledged objects are gone"
            assert load.objects, "a cycle must have stored something"
            for key in sorted(load.objects)[:: max(1, len(load.objects) // 4)]:
                body = s3.get_object(Bucket="space", Key=key)["Body"].read()
                assert hashlib.md5(body).hexdigest() == load.objects[key]
            if cycle == CYCLES - 1:
                break
            keys = sorted(load.objects)
            for key in keys[:3]:
                s3.delete_object(Bucket="space", Key=key)
            s3.delete_objects(Bucket="space", Delete={"Objects": [{"Key": key} for key in keys[3:]], "Quiet": True})
            load.objects.clear()
            wait_until("there is room again", lambda: put(s3, "room", os.urandom(2 * MIB)))
        load.ended.set()
        reader.join()
        assert load.failures == []
        assert load.refusals == 3 * CYCLES and load.reads > CYCLES
        status, text = ready(store)
        assert status == 200
        assert store.stop() == 0, store.log()[-4000:]
        checked = check(store)
        assert checked.returncode == 0 and "problems=0" in checked.stdout, checked.stdout + checked.stderr


def test_a_disk_that_others_fill_ends_nothing_and_heals_by_itself(folder):
    with small_filesystem(folder, 96) as path, store_on(path, folder, "--reserve-mib", "16") as store:
        s3 = store.client()
        s3.create_bucket(Bucket="space")
        bodies = {f"k{number}": os.urandom(700 * KIB) for number in range(24)}
        assert all(put(s3, key, body) for key, body in bodies.items())
        filler = fill(path)

        def is_refused():
            try:
                return not put(s3, "late", b"x" * MIB)
            except BotoCoreError:
                return False

        wait_until("writes are refused", is_refused)
        for key, body in bodies.items():
            assert s3.get_object(Bucket="space", Key=key)["Body"].read() == body
        status, text = ready(store)
        assert status == 503 or "refused" in text, (status, text)
        filler.unlink()
        wait_until("writes are taken again", lambda: attempt(s3.put_object, Bucket="space", Key="after", Body=b"y" * MIB))
        wait_until("the store is ready", lambda: ready(store) == (200, "ok\n"))
        assert store.is_running(), store.log()[-4000:]

        fill(path)
        assert store.stop() == 0, store.log()[-4000:]
        checked = check(store)
        assert checked.returncode in (0, 1), (checked.returncode, checked.stderr)
        assert "problems=0" in checked.stdout or "No space left" in checked.stderr or "full" in checked.stderr
        (path / "filler").unlink()
        store.start()
        for key, body in bodies.items():
            assert s3.get_object(Bucket="space", Key=key)["Body"].read() == body
        assert store.stop() == 0
        checked = check(store)
        assert checked.returncode == 0 and "problems=0" in checked.stdout, checked.stdout + checked.stderr


def attempt(call, **arguments):
    """True once it is acknowledged; a store whose write has just failed may refuse in several ways until it has recovered."""
    try:
        call(**arguments)
        return True
    except (ClientError, BotoCoreError):
        return False
