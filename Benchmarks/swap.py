"""The promise, measured: predictions at a fixed arrival rate, with and without swaps, from push to first answer.

usage: Scripts/bench swap [--json] [--swaps N] [--pause S] [--rate R] [--rounds N]

The load is open-loop: a request counts from when it was due, so a stall is charged with all it delayed. A round is one
run without swaps and one with swaps, each pushed with an S3 client once the one before is live. Without a pause the pushing
client, the store and the sidecar work all the time, on the same cores as the executor and the load.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

from goldens import MODELS, Golden
from measuring import Results
from programs import PROGRAMS, House, wait_until

VERSIONS = [MODELS / "click-v1" / "model.tar.gz", MODELS / "click-v2" / "model.tar.gz"]


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.results = Results("swap", arguments.json)
        self.house = House(folder)
        self.bodies = [path.read_bytes() for path in VERSIONS]
        self.tags = [hashlib.md5(body).hexdigest() for body in self.bodies]
        self.request = folder / "rows.csv"
        self.request.write_text(Golden(VERSIONS[0].parent / "golden.csv").body(0, 50))

    def push(self, number):
        """Pushes a version and answers the seconds from its acknowledgement to the first answer that names it."""
        self.house.s3.put_object(Bucket="models", Key="click/model.tar.gz", Body=self.bodies[number])
        acknowledged = time.perf_counter()
        connection = self.house.executor.connect()
        while True:
            _, headers, _ = self.house.executor.predict(self.first_row, model="click", connection=connection)
            if headers.get("x-lodestore-model-version") == self.tags[number]:
                connection.close()
                return time.perf_counter() - acknowledged
            time.sleep(0.0005)

    def load(self, seconds):
        command = [PROGRAMS / "lodestore-executor", "bench", "--connect", f"127.0.0.1:{self.house.executor.port}", "--model", "click",
                   "--body", self.request, "--content-type", "text/csv", "--rate", str(self.arguments.rate), "--connections", "4",
                   "--warm-up", "1", "--duration", str(seconds), "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def add(self, case, report):
        for metric in ("p50", "p99", "p99.9", "max"):
            self.results.add(case, "lodestore", metric, report["latency_us"][metric], "µs")
        self.results.add(case, "lodestore", "failed", report["failed"], "requests")
        self.results.add(case, "lodestore", "answered", report["answered"], "requests")

    def run(self):
        self.first_row = Golden(VERSIONS[0].parent / "golden.csv").lines[0]
        self.push(0)
        wait_until("the first version is live", lambda: self.house.executor.ping() == 200)
        for _ in range(self.arguments.rounds):
            self.add("without swaps", json.loads(self.load(self.arguments.seconds).communicate()[0]))
            residents = self.house.executor.resident_bytes()
            loading, took, number = self.load(self.arguments.seconds), [], 0
            began = time.perf_counter()
            while time.perf_counter() - began < self.arguments.seconds and number < self.arguments.swaps:
                number += 1
                took.append(self.push(number % 2))
                time.sleep(self.arguments.pause)
            report = json.loads(loading.communicate()[0])
            self.add("with swaps", report)
            assert len(report["versions"]) == 2, report["versions"]
            took.sort()
            self.results.add("with swaps", "lodestore", "swaps", len(took), "swaps")
            self.results.add("push to first answer", "lodestore", "p50", took[len(took) // 2] * 1e3, "ms")
            self.results.add("push to first answer", "lodestore", "max", took[-1] * 1e3, "ms")
            self.results.add("with swaps", "lodestore", "growth", (self.house.executor.resident_bytes() - residents) / 2**20, "MiB")
        self.house.stop()
        self.results.report()
        if not self.arguments.json:
            for metric in ("p50", "p99", "p99.9"):
                with_swaps, without = (self.results.median(case, "lodestore", metric) for case in ("with swaps", "without swaps"))
                print(f"{metric} with swaps is {with_swaps / without:.3f}x of that without")


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench swap", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20, help="of each load")
    parser.add_argument("--swaps", type=int, default=1000, help="at most, in one load")
    parser.add_argument("--pause", type=float, default=0, help="seconds between a version's going live and the next push")
    parser.add_argument("--rate", type=int, default=2000, help="requests a second, 50 rows each")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lode-"))
    try:
        Bench(arguments, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
