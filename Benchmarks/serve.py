"""One-row and 50-row predictions over HTTP and a Unix socket, beside nginx's `return 200` with a body of the same size.

usage: Scripts/bench serve [--json] [--rounds N] [--seconds S] [--only CASE] [--peers]

The executor has one event loop and nginx one worker; the client is wrk with one thread, which takes the other core. The rows
are the demo model's golden rows, cycled. nginx reads a body and computes nothing: it is the ceiling and not a peer. CPU is the
server's user and system time a request. The Unix socket's round trips come from a client of a few blocking calls, pinned
to the server's core and then to another; there also from an executor that polls before it sleeps (--busy-poll), beside the
same nginx. With --peers also MLServer, in an environment of its own, and gRPC through
tritonclient; what is not there is printed as absent.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import time

from goldens import MODELS, Golden
from measuring import HERE, ROOT, Results, cpu_seconds, find, run_wrk
from nginx import Nginx
from programs import PROGRAMS, Executor, Sidecar, Store, free_port, wait_until

MODEL = "click"
ARTIFACT = MODELS / "click-v1" / "model.tar.gz"
MANY = 50
ROUND_TRIPS = 20_000
BUSY_POLL_MICROSECONDS = 200


def json_rows(features):
    return json.dumps({"instances": features})


class Ours:
    """The executor with the demo model handed over by the sidecar; store and sidecar have gone when the load begins."""

    name = "lodestore"

    def __init__(self, folder, *flags):
        flags = ["--loops", "1", "--log-level", "warning", *flags]
        self.grpc_port = free_port() if has_grpc() else None
        if self.grpc_port:
            flags += ["--grpc-listen", f"127.0.0.1:{self.grpc_port}"]
        self.folder, self.executor = folder, Executor(folder / "executor", *flags)
        self.host, self.socket = f"127.0.0.1:{self.executor.port}", self.executor.socket

    def start(self):
        store = Store(self.folder / "store", "--log-level", "warning").start()
        client = store.client()
        client.create_bucket(Bucket="models")
        client.put_object(Bucket="models", Key=f"{MODEL}/model.tar.gz", Body=ARTIFACT.read_bytes())
        self.executor.start()
        sidecar = Sidecar(self.folder / "sidecar", store.endpoint, "models", [self.executor]).start()
        wait_until("the model is live", lambda: self.executor.ping() == 200)
        sidecar.stop()
        store.stop()
        self.process = self.executor.process
        return self

    def answer(self, body):
        status, _, text = self.executor.predict(body)
        assert status == 200, text
        return text

    def stop(self):
        assert self.executor.stop() == 0


def has_grpc():
    shown = subprocess.run([PROGRAMS / "lodestore-executor", "serve", "--help"], capture_output=True, text=True, check=True)
    return "--grpc-listen" in shown.stdout


class MLServer:
    """MLServer with the same XGBoost model, from an environment of its own (`.build/mlserver`)."""

    name = "mlserver"
    environment = ROOT / ".build" / "mlserver"

    def __init__(self, folder):
        self.folder, self.port, self.grpc_port = folder, free_port(), free_port()
        self.host = f"127.0.0.1:{self.port}"
        model = folder / MODEL
        model.mkdir(parents=True)
        with tarfile.open(ARTIFACT) as archive:
            member = next(each for each in archive.getmembers() if each.isfile())
            (model / "model.json").write_bytes(archive.extractfile(member).read())
        (model / "model-settings.json").write_text(json.dumps(
            {"name": MODEL, "implementation": "mlserver_xgboost.XGBoostModel", "parameters": {"uri": "./model.json"}}))
        (folder / "settings.json").write_text(json.dumps(
            {"host": "127.0.0.1", "http_port": self.port, "grpc_port": self.grpc_port, "metrics_port": free_port(),
             "parallel_workers": 0, "debug": False}))

    @classmethod
    def installed(cls):
        if not (cls.environment / "bin" / "mlserver").exists():
            subprocess.run(["python3", "-m", "venv", "--clear", cls.environment], check=True)
            done = subprocess.run([cls.environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check",
                                   "mlserver", "mlserver-xgboost"], capture_output=True, text=True)
            if done.returncode != 0:
                print(f"mlserver: absent ({done.stderr.strip().splitlines()[-1]})")
                return False
        return True

    def start(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [self.environment / "bin" / "mlserver", "start", self.folder], stdout=log, stderr=log, cwd=self.folder)
        wait_until("MLServer is ready", self.is_ready, seconds=120)
        return self

    def is_ready(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        done = subprocess.run(["curl", "--silent", "--fail", f"http://{self.host}/v2/models/{MODEL}/ready"], capture_output=True)
        return done.returncode == 0

    def stop(self):
        self.process.terminate()
        self.process.wait()

    @staticmethod
    def body(features):
        flat = [0.0 if value is None else value for row in features for value in row]
        return json.dumps({"inputs": [{"name": "predict", "shape": [len(features), len(features[0])], "datatype": "FP32",
                                       "data": flat}]})


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.results = Results("serve", arguments.json)
        self.golden = Golden(ARTIFACT.parent / "golden.csv")
        rows = range(0, len(self.golden), MANY)
        self.bodies = {
            "csv": self.write("csv", self.golden.lines),
            "json": self.write("json", [json_rows([row]) for row in self.golden.features]),
            "csv-many": self.write("csv-many", [self.golden.body(start, MANY) for start in rows]),
            "v2": self.write("v2", [MLServer.body([row]) for row in self.golden.features]),
            "v2-many": self.write("v2-many", [MLServer.body(self.golden.features[start:start + MANY]) for start in rows]),
        }

    def write(self, name, bodies):
        path = self.folder / f"bodies-{name}"
        path.write_text("\n\n".join(bodies) + "\n")
        return path

    def wanted(self, case):
        return not self.arguments.only or self.arguments.only in case

    def load(self, system, case, path, bodies, content_type, connections):
        if not self.wanted(case):
            return
        before = cpu_seconds(system.process.pid)
        figures = run_wrk("predict.lua", system.host, connections, self.arguments.seconds, path, self.bodies[bodies], content_type)
        used = cpu_seconds(system.process.pid) - before
        assert figures["refused"] == 0 and figures["broken"] == 0, figures
        self.results.add(case, system.name, "rate", figures["rate"], "requests/s")
        self.results.add(case, system.name, "p50", figures["p50_ms"] * 1e3, "µs")
        self.results.add(case, system.name, "p99", figures["p99_ms"] * 1e3, "µs")
        self.results.add(case, system.name, "cpu", used / figures["requests"] * 1e6, "µs/request")

    def round_trip(self, system, case, client_core):
        """The server's threads on core 0, the client there or elsewhere."""
        if not self.wanted(case):
            return
        pids = [system.process.pid, *self.children(system.process.pid)]
        cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        for pid in pids:
            subprocess.run(["taskset", "--all-tasks", "--cpu-list", "--pid", "0", str(pid)], check=True, capture_output=True)
        try:
            done = subprocess.run(
                ["taskset", "--cpu-list", str(client_core), self.client, system.socket, self.request, str(ROUND_TRIPS)],
                capture_output=True, text=True, check=True)
        finally:
            for pid in pids:
                subprocess.run(["taskset", "--all-tasks", "--cpu-list", "--pid", cores, str(pid)], check=True, capture_output=True)
        figures = json.loads(done.stdout)
        self.results.add(case, system.name, "p50", figures["p50_us"], "µs")
        self.results.add(case, system.name, "p99", figures["p99_us"], "µs")

    @staticmethod
    def children(pid):
        return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]

    def build_client(self):
        """The round-trip client and its one request; None without a C compiler."""
        compiler = find("cc") or find("clang") or find("gcc")
        if not compiler:
            print("Unix socket round trip: absent (no C compiler)")
            return None
        client = self.folder / "pingpong"
        subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-o", client, HERE / "pingpong.c"], check=True)
        body = self.golden.lines[0]
        self.request = self.folder / "request"
        self.request.write_text(
            f"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        return client

    def grpc(self, system, case):
        """50 rows a call, one call at a time; closed loop, since it measures the round trip."""
        import numpy
        import tritonclient.grpc as triton

        client = triton.InferenceServerClient(f"127.0.0.1:{system.grpc_port}")
        rows = numpy.array([[numpy.nan if value is None else value for value in row] for row in self.golden.features[:MANY]],
                           dtype=numpy.float32)
        data = triton.InferInput("predict", list(rows.shape), "FP32")
        data.set_data_from_numpy(rows)
        took, before, end = [], cpu_seconds(system.process.pid), time.perf_counter() + self.arguments.seconds
        while (began := time.perf_counter()) < end:
            client.infer(MODEL, [data])
            took.append(time.perf_counter() - began)
        used = cpu_seconds(system.process.pid) - before
        client.close()
        took.sort()
        self.results.add(case, system.name, "p50", took[len(took) // 2] * 1e6, "µs")
        self.results.add(case, system.name, "p99", took[len(took) * 99 // 100] * 1e6, "µs")
        self.results.add(case, system.name, "cpu", used / len(took) * 1e6, "µs/request")

    def run(self):
        ours = Ours(self.folder / "ours").start()
        systems = [ours]
        # nginx answers as many bytes as the executor does: digits, so that no character needs quoting.
        short, long = (len(ours.answer(body)) for body in (self.golden.lines[0], self.golden.body(0, MANY)))
        if find("nginx"):
            systems.append(Nginx(self.folder / "nginx", workers=1, answer="1" * short, long_answer="1" * long).start())
        else:
            print("nginx: absent (Scripts/setup --bench installs it)")
        mlserver = None
        if not self.arguments.peers:
            print("mlserver: absent (only with --peers)")
        elif MLServer.installed():
            mlserver = MLServer(self.folder / "mlserver").start()
        with_grpc = self.grpc_systems(ours, mlserver)
        self.client = self.build_client()
        other_core = max(os.sched_getaffinity(0))
        busy_case, busy = "Unix socket, two cores, busy poll", None
        if self.client and other_core != 0 and self.wanted(busy_case):
            busy = Ours(self.folder / "busy", "--busy-poll", str(BUSY_POLL_MICROSECONDS)).start()
        for _ in range(self.arguments.rounds):
            for system in systems:
                many = "/many" if system.name == "nginx" else "/invocations"
                for connections in (1, 16, 64):
                    self.load(system, f"1 row, CSV, {connections} connections", "/invocations", "csv", "text/csv", connections)
                    self.load(system, f"1 row, JSON, {connections} connections", "/invocations", "json", "application/json",
                              connections)
                self.load(system, "50 rows, CSV, 16 connections", many, "csv-many", "text/csv", 16)
                if self.client:
                    self.round_trip(system, "Unix socket, one core", 0)
                    if other_core != 0:
                        self.round_trip(system, "Unix socket, two cores", other_core)
                        self.round_trip(busy if system is ours else system, busy_case, other_core)
            if mlserver:
                path = f"/v2/models/{MODEL}/infer"
                self.load(mlserver, "1 row, JSON, 16 connections", path, "v2", "application/json", 16)
                self.load(mlserver, "50 rows, CSV, 16 connections", path, "v2-many", "application/json", 16)
            for system in with_grpc:
                self.grpc(system, "50 rows, gRPC")
        for system in [*systems, *([mlserver] if mlserver else []), *([busy] if busy else [])]:
            system.stop()
        self.results.report()

    def grpc_systems(self, ours, mlserver):
        if not self.wanted("50 rows, gRPC"):
            return []
        if not ours.grpc_port:
            print("50 rows, gRPC: absent (the executor has no --grpc-listen)")
            return []
        try:
            import tritonclient.grpc  # noqa: F401
        except ImportError:
            print("50 rows, gRPC: absent (no tritonclient in this environment)")
            return []
        return [ours, *([mlserver] if mlserver else [])]


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each load")
    parser.add_argument("--only", help="only the cases whose name contains this")
    parser.add_argument("--peers", action="store_true", help="also MLServer, installed on first use")
    arguments = parser.parse_args()
    # A Unix socket's path has 107 bytes at most.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lode-"))
    try:
        Bench(arguments, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
