"""The store beside nginx, the ceiling: small and large GET and PUT, and listings.

usage: Scripts/bench store [--json] [--rounds N] [--seconds S] [--only CASE]

Presigned SigV4 requests with UNSIGNED-PAYLOAD on loopback. nginx checks no signature, syncs nothing and shares the two
cores with its client, as ours does. Rounds are interleaved, system after system; printed are medians, with the range.
CPU is the server's user and system time.
"""

import argparse
import concurrent.futures
import http.client
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from measuring import Presigner, Results, cpu_seconds, find, wrk
from nginx import Nginx
from programs import ACCESS_KEY, SECRET_KEY, Store

SMALL, LARGE = 4096, 256 << 20
KEYS, LISTED = 1000, 10_000


class Ours:
    name = "lodestore"

    def __init__(self, folder):
        # Requests are logged at info; nginx runs without its access log.
        self.store = Store(folder, "--log-level", "warning")
        self.host = f"127.0.0.1:{self.store.port}"

    def start(self):
        self.store.start()
        self.process = self.store.process
        self.store.client().create_bucket(Bucket="load")
        self.store.client().create_bucket(Bucket="list")
        return self

    def stop(self):
        assert self.store.stop() == 0


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.results = Results("store", arguments.json)
        self.systems = [Ours(folder / "ours")]
        if find("nginx"):
            self.systems.append(Nginx(folder / "nginx"))
        else:
            print("nginx is absent: its column is left out (Scripts/setup --bench installs it)")

    def wanted(self, case):
        return not self.arguments.only or self.arguments.only in case

    def signer(self, system):
        return Presigner(system.host, ACCESS_KEY, SECRET_KEY)

    def targets(self, system, method, prefix, count):
        signer, path = self.signer(system), self.folder / f"{system.name}-{method}"
        path.write_text("\n".join(signer.target(method, f"/load/{prefix}{n:07d}") for n in range(count)) + "\n")
        return path

    def fill(self, system, bucket, prefix, count, size):
        signer, body = self.signer(system), os.urandom(size)

        def put(share):
            connection = http.client.HTTPConnection(system.host, timeout=120)
            for number in range(share, count, 16):
                connection.request("PUT", signer.target("PUT", f"/{bucket}/{prefix}{number:07d}"), body=body)
                response = connection.getresponse()
                response.read()
                assert response.status in (200, 201, 204), response.status

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(put, range(16)))

    def small(self, system, case, method, targets, connections):
        before = cpu_seconds(system.process.pid)
        figures = wrk(system.host, method, targets, connections, self.arguments.seconds, SMALL if method == "PUT" else 0)
        used = cpu_seconds(system.process.pid) - before
        assert figures["refused"] == 0 and figures["broken"] == 0, figures
        self.results.add(case, system.name, "rate", figures["rate"], "requests/s")
        self.results.add(case, system.name, "p99", figures["p99_ms"], "ms")
        self.results.add(case, system.name, "cpu", used / figures["requests"] * 1e6, "µs/request")

    def large(self, system, case, method, path):
        url = f"http://{system.host}" + self.signer(system).target(method, "/load/large")
        command = ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null"]
        command += ["--header", "Expect:", "--upload-file", path] if method == "PUT" else []
        before, began = cpu_seconds(system.process.pid), time.perf_counter()
        subprocess.run([*command, url], check=True)
        took, used = time.perf_counter() - began, cpu_seconds(system.process.pid) - before
        self.results.add(case, system.name, "throughput", LARGE / took / 1e6, "MB/s")
        self.results.add(case, system.name, "cpu", used * 1e3, "ms")

    def listing(self, system):
        signer, connection = self.signer(system), http.client.HTTPConnection(system.host, timeout=60)
        token, pages, keys, took = None, 0, 0, 0.0
        while pages == 0 or token:
            query = [("list-type", "2"), ("max-keys", "1000")] + ([("continuation-token", token)] if token else [])
            target = signer.target("GET", "/list", query)
            began = time.perf_counter()
            connection.request("GET", target)
            body = connection.getresponse().read()
            took += time.perf_counter() - began
            pages, keys = pages + 1, keys + body.count(b"<Contents>")
            found = re.search(rb"<NextContinuationToken>([^<]*)<", body)
            token = found.group(1).decode() if found else None
        assert keys == LISTED, keys
        self.results.add("LIST 1,000 keys a page", system.name, "page", took / pages * 1e3, "ms")

    def run(self):
        body = self.folder / "large"
        body.write_bytes(os.urandom(LARGE))
        for system in self.systems:
            system.start()
            self.fill(system, "load", "small/", KEYS, SMALL)
        if self.wanted("LIST"):
            self.fill(self.systems[0], "list", "k/", LISTED, 16)
        for number in range(self.arguments.rounds):
            for system in self.systems:
                if self.wanted("GET 4 KiB"):
                    self.small(system, "GET 4 KiB, 16 connections", "GET", self.targets(system, "GET", "small/", KEYS), 16)
                for connections in (16, 64):
                    case = f"PUT 4 KiB, {connections} connections"
                    if self.wanted(case):
                        targets = self.targets(system, "PUT", f"put{number}-{connections}/", 50_000)
                        self.small(system, case, "PUT", targets, connections)
                if self.wanted("256 MiB"):
                    self.large(system, "PUT 256 MiB", "PUT", body)
                    self.large(system, "GET 256 MiB", "GET", None)
            if self.wanted("LIST"):
                self.listing(self.systems[0])
        for system in self.systems:
            system.stop()
        self.results.report()


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench store", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each small-object run")
    parser.add_argument("--only", help="only the cases whose name contains this")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lodestore-bench-", dir=os.environ.get("BENCH_DIRECTORY", "/var/tmp")))
    try:
        Bench(arguments, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
