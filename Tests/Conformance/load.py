"""Constant load on an executor from several connections, checking every answer against the version that gave it."""

import collections
import threading
import time

from goldens import values, worst_difference


class Load:
    """`expected` maps a version to the predictions of `body` under it; it may grow while the load runs."""

    def __init__(self, executor, model, body, expected, connections=4, pause_seconds=0.002):
        self.executor, self.model, self.body, self.expected = executor, model, body, expected
        self.pause_seconds = pause_seconds
        self.failures, self.versions = [], collections.Counter()
        self.first_seen = {}
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(connections)]

    def run(self):
        connection = None
        while not self.stopping.is_set():
            try:
                connection = connection or self.executor.connect()
                status, headers, text = self.executor.predict(self.body, model=self.model, connection=connection)
                version = headers.get("x-lodestore-model-version")
                if status != 200:
                    self.failures.append((status, text[:200]))
                elif version not in self.expected:
                    self.failures.append(("unknown version", version))
                elif worst_difference(values(text), self.expected[version]) > 1e-6:
                    self.failures.append(("answer of another version", version))
                else:
                    self.versions[version] += 1
                    self.first_seen.setdefault(version, time.monotonic())
            except Exception as error:
                self.failures.append(("exception", repr(error)))
                connection = None
            time.sleep(self.pause_seconds)

    def __enter__(self):
        [thread.start() for thread in self.threads]
        return self

    def __exit__(self, *_):
        self.stopping.set()
        [thread.join() for thread in self.threads]
