"""What the benchmarks share: presigned targets, CPU of a process tree, medians, tables and JSON lines."""

import datetime
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
from urllib.parse import quote

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "Tests" / "Conformance"))
TICKS = os.sysconf("SC_CLK_TCK")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Presigner:
    """Request targets with SigV4 in the query, UNSIGNED-PAYLOAD, path style; one time stamp and key for all."""

    def __init__(self, host, access_key, secret_key, region="us-east-1"):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.host, self.access_key, self.stamp = host, access_key, now.strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{now:%Y%m%d}/{region}/s3/aws4_request"
        key = ("AWS4" + secret_key).encode()
        for part in self.scope.split("/"):
            key = mac(key, part)
        self.key = key

    def target(self, method, path, query=()):
        path = quote(path, safe="/-_.~")
        pairs = [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", f"{self.access_key}/{self.scope}"),
                 ("X-Amz-Date", self.stamp), ("X-Amz-Expires", "86400"), ("X-Amz-SignedHeaders", "host"), *query]
        joined = "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs))
        canonical = "\n".join([method, path, joined, "host:" + self.host, "", "host", "UNSIGNED-PAYLOAD"])
        text = "\n".join(["AWS4-HMAC-SHA256", self.stamp, self.scope, hashlib.sha256(canonical.encode()).hexdigest()])
        return f"{path}?{joined}&X-Amz-Signature={hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()}"


def cpu_seconds(pid):
    """User and system time of a process and the children it has now."""
    total, pids = 0, [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        pids += map(int, (task / "children").read_text().split())
    for each in pids:
        fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def wrk(host, method, targets, connections, seconds, body_bytes=0):
    """One run of wrk over request targets; answers its figures."""
    return run_wrk("requests.lua", host, connections, seconds, method, targets, str(body_bytes))


def run_wrk(script, host, connections, seconds, *arguments):
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / script, f"http://{host}",
         "--", *arguments], capture_output=True, text=True, check=True)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


class Results:
    """Values by case, system and metric over the rounds; prints medians."""

    def __init__(self, bench, as_json):
        self.bench, self.as_json, self.values, self.units = bench, as_json, {}, {}

    def add(self, case, system, metric, value, unit):
        self.values.setdefault((case, metric), {}).setdefault(system, []).append(value)
        self.units[case, metric] = unit

    def median(self, case, system, metric):
        values = self.values.get((case, metric), {}).get(system)
        return statistics.median(values) if values else None

    def report(self, ours="lodestore"):
        if self.as_json:
            for (case, metric), systems in self.values.items():
                for system, values in systems.items():
                    print(json.dumps({"bench": self.bench, "case": case, "system": system, "metric": metric,
                                      "value": round(statistics.median(values), 4), "unit": self.units[case, metric]}))
            return
        for (case, metric), systems in self.values.items():
            own = self.median(case, ours, metric)
            cells = []
            for system, values in systems.items():
                middle = statistics.median(values)
                spread = f" ({min(values):,.4g}–{max(values):,.4g})" if len(values) > 1 else ""
                ratio = f", ours is {own / middle:.2f}x" if system != ours and own is not None and middle else ""
                cells.append(f"{system} {middle:,.4g} {self.units[case, metric]}{spread}{ratio}")
            print(f"{case:28} {metric:12} " + "; ".join(cells))


def find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
