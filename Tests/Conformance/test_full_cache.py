"""The sidecar's cache on a real small file system that fills and empties: what is live stays live, and what waits goes live by itself."""

import contextlib
import random
import subprocess

import pytest

from programs import PROGRAMS, Executor, Sidecar, Store, wait_until
from test_hostile_bundles import MACHINE, put, tar_gz


@contextlib.contextmanager
def small_file_system(path, size):
    path.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(path):
    """Takes all room that is left."""
    with open(path, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    with open(path, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x")


def version(number):
    """A model whose artifact does not shrink: two hundred KiB of comments beside it."""
    noise = random.Random(number).randbytes(200 << 10)
    return tar_gz([("model.json", MACHINE.replace(b'"bias":1', b'"bias":%d' % number)), ("notes.txt", noise)])


def failures(sidecar):
    return [r for r in sidecar.log_records() if r["message"] == "model failed" and "No space left" in r["reason"]]


class Place:
    """What the tests for bundles call a house."""

    def __init__(self, folder):
        self.store = Store(folder / "store").start()
        self.s3 = self.store.client()
        self.s3.create_bucket(Bucket="models")
        self.executor = Executor(folder / "executor").start()


def test_a_cache_that_fills_and_empties_ends_nothing_and_loses_nothing(folder):
    place = Place(folder)
    sidecar = Sidecar(folder / "sidecar", place.store.endpoint, "models", [place.executor])
    ballast = sidecar.cache / "ballast"

    def answered(margin):
        status, _, text = place.executor.predict("0,0", model="m")
        return status == 200 and float(text) == margin

    try:
        with small_file_system(sidecar.cache, "1500k"):
            sidecar.start()
            put(place, "m", version(1))
            wait_until("the first is live", lambda: answered(1))
            for number in range(2, 5):
                known = len(failures(sidecar))
                fill(ballast)
                put(place, "m", version(number))
                wait_until("it is said what is full", lambda: len(failures(sidecar)) > known)
                assert str(sidecar.cache) in failures(sidecar)[-1]["reason"]
                assert answered(number - 1), "what is live stays live"
                if number == 3:
                    sidecar.kill()
                    sidecar.start()
                    assert answered(number - 1)
                ballast.unlink()
                wait_until("it goes live by itself", lambda: answered(number))
            said = [r for r in sidecar.log_records() if r["message"] == "status not written"]
            assert len(said) <= 5, "once for each time that it is full"
            assert sidecar.stop() == 0
            assert list(sidecar.cache.glob("preparing/*")) == []
            # Full again, and with an executor that holds nothing: the cache alone is enough.
            fill(ballast)
            place.store.kill()
            place.executor.kill()
            place.executor.start()
            sidecar.start()
            wait_until("restored from a full disk", lambda: answered(4))
            assert sidecar.stop() == 0
    finally:
        sidecar.stop()
        place.executor.stop()
        place.store.stop()


@pytest.mark.parametrize("flags, words", [
    (["--control", "{folder}/none/c.sock"], "No such file or directory"),
    (["--control", "{folder}/c.sock", "--socket", "{folder}/none/p.sock"], "No such file or directory"),
    (["--control", "{folder}/" + "c" * 120], "1 to 107 bytes"),
])
def test_an_executor_that_cannot_make_its_sockets_says_which(folder, flags, words):
    flags = [flag.format(folder=folder) for flag in flags]
    ended = subprocess.run([PROGRAMS / "lodestore-executor", "serve", "--listen", "127.0.0.1:0", *flags],
                           capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1, ended
    assert words in ended.stderr and flags[-1] in ended.stderr, ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("limit, code, words", [(32, 78, "open files"), (64, 1, "Too many open files")])
def test_an_executor_without_descriptors_says_so(folder, limit, code, words):
    executor = Executor(folder / "executor", "--loops", "16")
    executor.descriptor_limit = limit
    executor.start(wait=False)
    assert executor.process.wait(30) == code
    assert words in executor.log(), executor.log()


def test_a_full_disk_under_the_log_ends_no_executor(folder):
    """Log lines that cannot be written are lost, and nothing else is."""
    with small_file_system(folder / "logs", "64k") as logs:
        executor = Executor(folder / "executor", "--access-log-sample", "1")
        executor.log_path = logs / "executor.log"
        executor.start()
        try:
            fill(logs / "ballast")
            for _ in range(50):
                assert executor.ping() == 503, "it has no model, and answers"
            assert executor.stop() == 0
        finally:
            executor.stop()
