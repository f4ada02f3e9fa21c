"""The three programs as real processes on free ports of the loopback, each with folders of its own."""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

PROGRAMS = pathlib.Path(os.environ.get("LODESTORE_PROGRAMS", ".build/release"))
ACCESS_KEY, SECRET_KEY, REGION = "CONFORMANCEKEY000001", "conformance/secret+key/0123456789abcdefgh", "us-east-1"
READY_SECONDS = 30


_held = []


def free_port():
    """A port of the loopback that the kernel chose and nobody else gets while this process lives.

    The socket stays bound and never listens. With SO_REUSEADDR a server may bind beside it, stop and bind again, while the kernel gives the
    port to no one who asks for any.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return holder.getsockname()[1]


def wait_until(what, condition, seconds=READY_SECONDS):
    """Calls `condition` until it answers something true; fails with `what` when it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Program:
    """One process: started, stopped, killed and started again with the same folders and ports."""

    name = None
    # What the process finds as its hard limit, where a test lowers it.
    descriptor_limit = None

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / f"{self.name}.log"
        self.process = None

    def arguments(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self, wait=True):
        assert self.process is None or self.process.poll() is not None, "already running"
        self.output = open(self.folder / f"{self.name}.out", "w+b")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / self.name, *self.arguments()], stdout=self.output, stderr=log,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment()},
                preexec_fn=self.limit_descriptors if self.descriptor_limit else None)
        if wait:
            wait_until(f"{self.name} is ready; its log: {self.log_path}", self.ready_line)
        return self

    def limit_descriptors(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptor_limit, self.descriptor_limit))

    def ready_line(self):
        assert self.process.poll() is None, f"{self.name} exited {self.process.returncode}:\n{self.log()[-4000:]}"
        text = (self.folder / f"{self.name}.out").read_text()
        return next((line for line in text.splitlines() if line.startswith(f"{self.name} ready")), None)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_records(self):
        records = []
        for line in self.log().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                records.append(json.loads(line))
        return records

    def kill(self):
        """As power loss to the process: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30):
        """As an operator stops it; answers the exit code."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {seconds} s of SIGTERM:\n{self.log()[-4000:]}")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")


class Store(Program):
    name = "lodestore"

    def __init__(self, folder, *flags):
        super().__init__(folder)
        self.port = free_port()
        self.data = self.folder / "data"
        self.flags = list(flags)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def arguments(self):
        return ["serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *self.flags]

    def environment(self):
        return {"LODESTORE_ROOT_ACCESS_KEY": ACCESS_KEY, "LODESTORE_ROOT_SECRET_KEY": SECRET_KEY}

    def client(self, **options):
        import boto3
        from botocore.config import Config

        settings = {"retries": {"max_attempts": 1}, "max_pool_connections": 64, "s3": {"addressing_style": "path"}}
        settings.update(options)
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                            region_name=REGION, config=Config(**settings))


class Executor(Program):
    name = "lodestore-executor"

    def __init__(self, folder, *flags):
        super().__init__(folder)
        self.port = free_port()
        self.socket = self.folder / "p.sock"
        self.control = self.folder / "c.sock"
        self.flags = list(flags)

    def arguments(self):
        return ["serve", "--listen", f"127.0.0.1:{self.port}", "--socket", self.socket, "--control", self.control, *self.flags]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def connect_socket(self):
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.socket))
        return connection

    def ping(self):
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", "/ping")
            return connection.getresponse().status

    def predict(self, body, content_type="text/csv", model=None, connection=None, accept=None):
        """Answers (status, headers, text)."""
        own = connection is None
        connection = connection or self.connect()
        headers = {"Content-Type": content_type}
        if model:
            headers["X-Amzn-SageMaker-Target-Model"] = model
        if accept:
            headers["Accept"] = accept
        connection.request("POST", "/invocations", body=body, headers=headers)
        response = connection.getresponse()
        answer = response.status, response.headers, response.read().decode()
        if own:
            connection.close()
        return answer

    def live_version(self, model):
        """The version that answers for the model now, or None."""
        status, headers, _ = self.predict("", model=model)
        return headers.get("x-lodestore-model-version") if status != 503 else None


class Sidecar(Program):
    name = "lodestore-sidecar"

    def __init__(self, folder, endpoint, bucket, executors, *flags):
        super().__init__(folder)
        self.endpoint, self.bucket, self.executors, self.flags = endpoint, bucket, executors, list(flags)
        self.cache = self.folder / "cache"

    def arguments(self):
        arguments = ["run", "--endpoint", self.endpoint, "--bucket", self.bucket, "--cache", self.cache]
        for executor in self.executors:
            arguments += ["--executor", executor.control]
        return arguments + self.flags

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION}


class House:
    """Store, executor and sidecar together, with the bucket `models` made."""

    def __init__(self, folder, *executor_flags):
        self.store = Store(folder / "store").start()
        self.s3 = self.store.client()
        self.s3.create_bucket(Bucket="models")
        self.executor = Executor(folder / "executor", *executor_flags).start()
        self.sidecar = Sidecar(folder / "sidecar", self.store.endpoint, "models", [self.executor]).start()

    def push(self, model, artifact, name="model.tar.gz"):
        self.s3.put_object(Bucket="models", Key=f"{model}/{name}", Body=pathlib.Path(artifact).read_bytes())

    def stop(self):
        for program in (self.sidecar, self.executor, self.store):
            program.stop()
