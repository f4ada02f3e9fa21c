"""What an operator sees of the executor: metrics, log, limits, deadlines, certificates; and that no client harms another."""

import contextlib
import http.client
import json
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from goldens import MODELS, Golden, values, worst_difference
from programs import PROGRAMS, Executor, Sidecar, Store, free_port, wait_until

NAME = sorted(p.name for p in MODELS.iterdir() if (p / "golden.csv").exists())[0]
GOLDEN = Golden(MODELS / NAME / "golden.csv")


class Served:
    """An executor with flags of its own and the demo model live on it."""

    def __init__(self, folder, *flags):
        self.store = Store(folder / "store").start()
        self.store.client().create_bucket(Bucket="models")
        self.executor = Executor(folder / "executor", *flags).start()
        self.sidecar = Sidecar(folder / "sidecar", self.store.endpoint, "models", [self.executor]).start()
        artifact = next(p for p in sorted((MODELS / NAME).iterdir()) if p.name not in ("golden.csv", "README.md"))
        self.store.client().put_object(
            Bucket="models", Key=f"{NAME}/{artifact.name}", Body=artifact.read_bytes())

        def is_live():
            with contextlib.closing(self.executor.connect_socket()) as connection:
                connection.request("GET", "/ping")
                return connection.getresponse().status == 200

        wait_until("the model is live", is_live)

    def stop(self):
        for program in (self.sidecar, self.executor, self.store):
            program.stop()


@pytest.fixture
def serve(folder):
    """Starts one with the flags that the test needs."""
    served = []

    def start(*flags):
        served.append(Served(folder, *flags))
        return served[-1].executor

    yield start
    for one in served:
        one.stop()


@pytest.fixture(scope="module")
def executor():
    """One for the tests that leave it as it was."""
    with tempfile.TemporaryDirectory(prefix="lode-") as folder:
        served = Served(pathlib.Path(folder))
        yield served.executor
        assert served.executor.is_running(), served.executor.log()[-4000:]
        served.stop()


def page(executor):
    with contextlib.closing(executor.connect()) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return list(text_string_to_metric_families(answer.read().decode()))


def sample(executor, name, **labels):
    for family in page(executor):
        for one in family.samples:
            if one.name == name and all(one.labels.get(key) == value for key, value in labels.items()):
                return one.value
    return None


def neighbour(executor):
    """A well-behaved client's request, which must be answered whatever else goes on."""
    status, _, text = executor.predict(GOLDEN.lines[0])
    assert status == 200 and worst_difference(values(text), GOLDEN.expected(0, 1)) <= 1e-6


def test_metrics_are_read_by_prometheus(executor):
    before = sample(executor, "lodestore_executor_rows_total", model=NAME) or 0
    for _ in range(5):
        assert executor.predict(GOLDEN.body(0, 10))[0] == 200
    assert executor.predict("1,x")[0] == 400
    families = {family.name: family for family in page(executor)}
    assert all(family.documentation and family.samples is not None for family in families.values())
    assert sample(executor, "lodestore_executor_rows_total", model=NAME) == before + 50
    durations = families["lodestore_executor_request_duration_seconds"]
    assert durations.type == "histogram"
    version = next(s.labels["version"] for s in durations.samples)
    buckets = [s for s in durations.samples if s.name.endswith("_bucket") and s.labels["version"] == version]
    assert [b.value for b in buckets] == sorted(b.value for b in buckets) and buckets[-1].labels["le"] == "+Inf"
    count = next(s.value for s in durations.samples if s.name.endswith("_count"))
    assert buckets[-1].value == count >= 5
    assert families["lodestore_executor_prediction_score"].type == "histogram"
    assert sample(executor, "process_cpu_seconds_total") > 0
    # Within a page or two of what the kernel says: other threads go on meanwhile.
    assert abs(sample(executor, "process_resident_memory_bytes") - executor.resident_bytes()) < 64 << 20
    assert sample(executor, "lodestore_executor_live_models") == 1
    assert sample(executor, "lodestore_executor_requests_total", outcome="rows") >= 1


def test_json_lines_and_named_features(executor):
    lines = "\n".join(json.dumps(row) for row in GOLDEN.features[:5])
    status, headers, text = executor.predict(lines, "application/x-ndjson")
    assert status == 200 and headers["content-type"] == "application/jsonlines"
    scores = [json.loads(line)["score"] for line in text.splitlines()]
    assert worst_difference(scores, GOLDEN.expected(0, 5)) <= 1e-6
    # By name, in another order, and without what is missing.
    named = [{name: value for name, value in reversed(list(zip(GOLDEN.names, row))) if value is not None}
             for row in GOLDEN.features[:50]]
    status, _, text = executor.predict(json.dumps({"instances": named}), "application/json")
    assert status == 200 and worst_difference(json.loads(text)["predictions"], GOLDEN.expected(0, 50)) <= 1e-6
    table = [GOLDEN.names[::-1]] + [line.split(",")[::-1] for line in GOLDEN.lines[:50]]
    status, _, text = executor.predict("\r\n".join(",".join(row) for row in table), "text/csv; header=present")
    assert status == 200 and worst_difference(values(text), GOLDEN.expected(0, 50)) <= 1e-6
    status, _, text = executor.predict('[{"certainly-not-a-feature": 1}]', "application/json")
    assert status == 400 and "certainly-not-a-feature" in text


def test_deadlines(executor):
    def ask(milliseconds, body=None):
        with contextlib.closing(executor.connect()) as connection:
            connection.request("POST", "/invocations", body=body or GOLDEN.lines[0], headers={
                "Content-Type": "text/csv", "x-lodestore-deadline-ms": milliseconds})
            return connection.getresponse().status

    assert ask("0") == 504 and ask("10000") == 200 and ask("soon") == 400
    late = sample(executor, "lodestore_executor_requests_total", outcome="deadline")
    assert ask("0", GOLDEN.body() * 20) == 504
    assert sample(executor, "lodestore_executor_requests_total", outcome="deadline") == late + 1


def test_a_burst_is_shed_and_small_requests_are_not(serve):
    executor = serve("--max-concurrent", "2", "--loops", "1")
    large = "\n".join(GOLDEN.lines * (2_000_000 // len(GOLDEN.body()) + 1))
    statuses, small, retry = [], [], []

    def send_large():
        with contextlib.closing(executor.connect()) as connection:
            try:
                connection.request("POST", "/invocations", body=large, headers={"Content-Type": "text/csv"})
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
                retry.append(answer.headers.get("retry-after"))
            except OSError:
                statuses.append(503)  # cut while it was still sending what nobody reads
                retry.append("1")

    def send_small():
        for _ in range(20):
            small.append(executor.predict(GOLDEN.lines[0])[0])

    threads = [threading.Thread(target=send_large) for _ in range(16)] + [threading.Thread(target=send_small) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert small == [200] * 40
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 1 and statuses.count(503) >= 1
    assert all(value == "1" for status, value in zip(statuses, retry) if status == 503)
    assert sample(executor, "lodestore_executor_requests_total", outcome="shed") >= 1
    wait_until("nothing is pending", lambda: sample(executor, "lodestore_executor_pending_bytes") == 0)
    assert sample(executor, "lodestore_executor_requests_in_flight") == 0
    neighbour(executor)


def test_the_access_log_has_every_nth_request_and_no_body(serve):
    executor = serve("--access-log-sample", "3")
    connection = executor.connect()
    for _ in range(30):
        connection.request("POST", "/invocations?key=hidden", body=GOLDEN.lines[0], headers={"Content-Type": "text/csv"})
        assert connection.getresponse().read()
    connection.close()

    def lines():
        return [r for r in executor.log_records() if r.get("message") == "request" and r.get("http.path") == "/invocations"]

    found = wait_until("the lines are written", lambda: lines() if len(lines()) >= 9 else None)
    assert len(found) <= 11
    for line in found:
        assert line["http.method"] == "POST" and line["http.status"] == "200" and line["model.name"] == NAME
        assert line["request.rows"] == "1" and float(line["duration.ms"]) >= 0 and line["model.version"]
    assert "hidden" not in executor.log() and GOLDEN.lines[0] not in executor.log()


def test_a_loop_that_polls_answers_as_others_do(serve, folder):
    executor = serve("--busy-poll", "200", "--loops", "1")
    with contextlib.closing(executor.connect_socket()) as local, contextlib.closing(executor.connect()) as remote:
        for start in range(0, 200, 4):
            for connection in (local, remote):
                status, _, text = executor.predict(GOLDEN.body(start, 4), connection=connection)
                assert status == 200 and worst_difference(values(text), GOLDEN.expected(start, 4)) <= 1e-6
    refused = subprocess.run(
        [PROGRAMS / "lodestore-executor", "serve", "--control", folder / "refused.sock", "--busy-poll", "1001"],
        capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0 and "busy-poll" in refused.stderr and "1000" in refused.stderr


def certificate(folder, name):
    key, certificate = folder / "tls.key", folder / "tls.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.mark.parametrize("program", [Executor, Store])
def test_tls_and_new_certificates_without_a_restart(folder, program):
    certificate_path, key_path = certificate(folder, "first")
    flags = ["--tls-certificate", certificate_path, "--tls-key", key_path]
    if program is Store:
        flags.append("--region=us-east-1")
    else:
        grpc_port = free_port()
        flags += ["--grpc-listen", f"127.0.0.1:{grpc_port}"]
    process = program(folder / "p", *flags).start()
    ports = [process.port] if program is Store else [process.port, grpc_port]
    path = "/v2/health/live" if program is Executor else "/_lodestore/health/live"

    def status():
        context = ssl.create_default_context(cafile=certificate_path)
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", process.port, context=context, timeout=30)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse().status
            return answer, dict(x[0] for x in connection.sock.getpeercert()["subject"])["commonName"]

    assert status() == (200, "first")
    kept = http.client.HTTPSConnection(
        "127.0.0.1", process.port, context=ssl.create_default_context(cafile=certificate_path), timeout=30)
    kept.connect()
    assert {peer(port) for port in ports} == {pem_of(certificate_path)}
    certificate(folder, "second")
    process.process.send_signal(signal.SIGHUP)
    wait_until("the new certificate is served", lambda: peer(process.port) == pem_of(certificate_path))
    assert {peer(port) for port in ports} == {pem_of(certificate_path)}, "gRPC asks for the same one"
    assert status() == (200, "second")
    kept.request("GET", path)
    assert kept.getresponse().status == 200, "connections that were there go on"
    kept.close()
    # A key that does not fit changes nothing.
    key_path.write_text("no key")
    process.process.send_signal(signal.SIGHUP)
    wait_until("the failure is logged", lambda: "not reloaded" in process.log())
    assert status() == (200, "second")
    assert {peer(port) for port in ports} == {pem_of(certificate_path)}
    assert process.stop() == 0


def peer(port):
    return ssl.get_server_certificate(("127.0.0.1", port)).strip()


def pem_of(path):
    return path.read_text().strip()


def raw(executor, data, shut=False):
    with socket.create_connection(("127.0.0.1", executor.port), timeout=30) as connection:
        connection.sendall(data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return answer


def request(body, *fields):
    head = ["POST /invocations HTTP/1.1", "Host: h", "Content-Type: text/csv", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def test_garbage_behind_a_request_takes_nothing_from_it(executor):
    line = GOLDEN.lines[0].encode()
    good = request(line, f"Content-Length: {len(line)}")
    for garbage in (b"\x00\x01\x02" * 100, b"GET\r\n\r\n", b"POST /invocations HTTP/1.1\r\nContent-Length: -4\r\n\r\n"):
        answer = raw(executor, good + good + garbage, shut=True)
        assert answer.startswith(b"HTTP/1.1 200") and answer.count(b"HTTP/1.1 200") == 2
        assert answer.count(b"HTTP/1.1 4") <= 1
        neighbour(executor)


def test_a_chunked_body_cut_short(executor):
    start = request(b"", "Transfer-Encoding: chunked")
    line = GOLDEN.lines[0].encode()
    whole = start + f"{len(line):x}\r\n".encode() + line + b"\r\n0\r\n\r\n"
    answer = raw(executor, whole, shut=True)
    assert answer.startswith(b"HTTP/1.1 200")
    for cut in (start + b"5\r\n1,2", start + b"zz\r\n", whole[:-3]):
        answer = raw(executor, cut, shut=True)
        assert answer.startswith(b"HTTP/1.1 400"), answer
        neighbour(executor)
    assert sample(executor, "lodestore_executor_pending_bytes") == 0


def test_slow_senders_hold_nobody_up(executor):
    """A head takes nothing from anybody, whatever it announces; what has come of a body counts until its client has gone."""
    large = "\n".join(GOLDEN.lines * (200_000 // len(GOLDEN.body()) + 1))
    small = GOLDEN.lines[0].encode()
    chunked = request(b"", "Transfer-Encoding: chunked") + f"{len(small):x}\r\n".encode() + small + b"\r\n0\r\n\r\n"
    with contextlib.ExitStack() as stack:
        def begin(data):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", executor.port), timeout=30))
            connection.sendall(data)

        for _ in range(150):
            begin(request(b"1,", "Content-Length: 300000"))
            begin(request(b"5\r\n1,", "Transfer-Encoding: chunked"))
        for _ in range(20):
            neighbour(executor)
            assert raw(executor, chunked, shut=True).startswith(b"HTTP/1.1 200")
            assert executor.predict(large)[0] == 200
        wait_until("no more is pending", lambda: sample(executor, "lodestore_executor_pending_bytes") == 0)
        for _ in range(50):
            begin(request(b"1," * 50_000, "Content-Length: 300000"))
        wait_until("what came is counted", lambda: sample(executor, "lodestore_executor_pending_bytes") == 50 * 100_000)
        assert sample(executor, "lodestore_executor_requests_in_flight") == 0
        neighbour(executor)
        assert executor.predict(large)[0] == 200
    wait_until("they are given back", lambda: sample(executor, "lodestore_executor_pending_bytes") == 0)


def test_a_body_of_a_hundred_megabytes(executor):
    before = executor.resident_bytes()
    body = b"1," * (50 << 20)
    for fields in ([f"Content-Length: {len(body)}"], ["Transfer-Encoding: chunked"]):
        with socket.create_connection(("127.0.0.1", executor.port), timeout=30) as connection:
            connection.sendall(request(b"", *fields))
            if "chunked" in fields[0]:
                connection.sendall(f"{len(body):x}\r\n".encode())
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(body)
            with contextlib.suppress(ConnectionResetError):
                assert b" 413 " in connection.recv(200).split(b"\r\n")[0]
        neighbour(executor)
    assert executor.resident_bytes() - before < 64 << 20
    assert sample(executor, "lodestore_executor_pending_bytes") == 0
