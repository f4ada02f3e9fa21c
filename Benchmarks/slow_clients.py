"""The store beside clients that are slow: what it holds for them, what their neighbour notices, what it gives back.

usage: Scripts/bench slow [--json] [--seconds S] [--program P] [--readers N] [--uploads N] [--followers N] [--strangers N] [--only CASE]

The crowd is held by one thread of this program: readers of an object of 256 MiB that take 4 KiB a second, uploads that announce
256 MiB and have sent 1.2 MiB, followers with 20,000 events before them that take as little, and connections that say nothing.
Each kind is measured alone, on a store started anew, and then all of them at once. The neighbour GETs and PUTs 4 KiB on four
connections (wrk). RSS is the most of what was seen each second while the neighbour worked; `after` is read 20 s after the crowd
has gone.
"""

import argparse
import concurrent.futures
import http.client
import os
import pathlib
import shutil
import tempfile
import threading
import time

import programs
from crowd import Crowd, allow_descriptors
from measuring import Presigner, Results, wrk
from programs import ACCESS_KEY, SECRET_KEY, Store

LARGE, SENT, EVENTS, SMALL = 256 << 20, 1_258_291, 20_000, 4096
SETTLE_SECONDS, AFTER_SECONDS = 5, 20


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.results = Results("slow", arguments.json)
        self.system = arguments.name

    def open_store(self):
        # A copy for each case, so that what one leaves in memory is not counted in the next.
        self.store = Store(self.folder / "store", "--log-level", "warning").start()
        self.signer = Presigner(f"127.0.0.1:{self.store.port}", ACCESS_KEY, SECRET_KEY)

    def put(self, path, body):
        connection = http.client.HTTPConnection(self.signer.host, timeout=300)
        connection.request("PUT", self.signer.target("PUT", path), body=body)
        assert connection.getresponse().status == 200

    def fill(self):
        client = self.store.client()
        for bucket in ("big", "feed", "load"):
            client.create_bucket(Bucket=bucket)
        self.put("/big/object", os.urandom(LARGE))

        connection = http.client.HTTPConnection(self.signer.host, timeout=60)
        connection.request("GET", self.signer.target("GET", "/feed", [("events", "s3:ObjectCreated:*")]))
        self.cursor = connection.getresponse().headers["x-lodestore-feed-cursor"]
        connection.close()

        def events(share):
            connection = http.client.HTTPConnection(self.signer.host, timeout=120)
            for number in range(share, EVENTS, 16):
                connection.request("PUT", self.signer.target("PUT", f"/feed/events/{number:0100d}"), body=b"x")
                response = connection.getresponse()
                response.read()
                assert response.status == 200

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(events, range(16)))
        for number in range(200):
            self.put(f"/load/small/{number}", os.urandom(SMALL))

    def targets(self, method):
        path = self.folder / f"targets-{method}"
        path.write_text("\n".join(self.signer.target(method, f"/load/small/{n}") for n in range(200)) + "\n")
        return path

    def neighbour(self, case, crowd):
        """The neighbour's figures, and the most memory meanwhile."""
        most, over, gone = [self.store.resident_bytes()], threading.Event(), [0]

        def watch():
            while not over.wait(1):
                most.append(self.store.resident_bytes())
                gone.append(sum(crowd.linger().values()))

        watcher = threading.Thread(target=watch)
        watcher.start()
        for method in ("GET", "PUT"):
            figures = wrk(self.signer.host, method, self.targets(method), 4, self.arguments.seconds, SMALL if method == "PUT" else 0)
            self.results.add(case, self.system, f"{method} p99", figures["p99_ms"], "ms")
            self.results.add(case, self.system, f"{method} refused", figures["refused"] + figures["broken"], "requests")
        over.set()
        watcher.join()
        descriptors = len(list(pathlib.Path(f"/proc/{self.store.process.pid}/fd").iterdir()))
        self.results.add(case, self.system, "RSS", max(most) / 2**20, "MiB")
        self.results.add(case, self.system, "descriptors", descriptors, "")
        self.results.add(case, self.system, "let go", max(gone), "connections")

    def measure(self, case, **counts):
        if self.arguments.only and self.arguments.only not in case:
            return
        self.open_store()
        before = self.store.resident_bytes() / 2**20
        with Crowd(self.store) as crowd:
            crowd.readers(counts.get("readers", 0), "/big/object")
            crowd.uploads(counts.get("uploads", 0), "load", LARGE, SENT)
            crowd.followers(counts.get("followers", 0), "feed", self.cursor)
            crowd.strangers(counts.get("strangers", 0))
            refused = sum(count for kind in ("readers", "followers") for status, count in crowd.statuses(kind).items() if status != 200)
            time.sleep(SETTLE_SECONDS)
            self.neighbour(case, crowd)
        time.sleep(AFTER_SECONDS)
        self.results.add(case, self.system, "RSS before", before, "MiB")
        self.results.add(case, self.system, "RSS after", self.store.resident_bytes() / 2**20, "MiB")
        self.results.add(case, self.system, "refused", refused, "connections")
        assert self.store.stop() == 0

    def run(self):
        asked = self.arguments
        self.open_store()
        self.fill()
        assert self.store.stop() == 0
        self.measure("nobody")
        self.measure(f"{asked.readers:,} readers", readers=asked.readers)
        self.measure(f"{asked.uploads:,} uploads", uploads=asked.uploads)
        self.measure(f"{asked.followers:,} followers", followers=asked.followers)
        self.measure(f"{asked.strangers:,} strangers", strangers=asked.strangers)
        self.measure("all of them", readers=asked.readers, uploads=asked.uploads, followers=asked.followers, strangers=asked.strangers)
        self.results.report(self.system)


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench slow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    parser.add_argument("--seconds", type=int, default=8, help="of each of the neighbour's two runs")
    parser.add_argument("--program", type=pathlib.Path, help="the folder of another lodestore, such as one built before")
    parser.add_argument("--name", default="lodestore", help="what the table calls it")
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--uploads", type=int, default=300)
    parser.add_argument("--followers", type=int, default=500)
    parser.add_argument("--strangers", type=int, default=5000)
    parser.add_argument("--only", help="only the cases whose name contains this")
    arguments = parser.parse_args()
    if arguments.program:
        programs.PROGRAMS = arguments.program
    allow_descriptors(arguments.readers + arguments.uploads + arguments.followers + arguments.strangers + 512)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lodestore-bench-", dir=os.environ.get("BENCH_DIRECTORY", "/var/tmp")))
    try:
        Bench(arguments, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
