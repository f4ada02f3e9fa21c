"""What a pushed bundle can make the sidecar do is bounded, fails that version alone, and is not tried again if it ended the process."""

import gzip
import io
import json
import pathlib
import subprocess
import tarfile
import time

import pytest

from goldens import MODELS
from programs import PROGRAMS, Executor, Sidecar, Store, wait_until

# margin = 1 + 10·site + hour + 2·site·hour
MACHINE = (b'{"format":"lodestore-factorization-machine","version":1,"task":"regression","bias":1,'
           b'"features":["site","hour"],"weights":[10,1],"factors":[[1],[2]]}')


def tar_gz(members, level=1):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, content in members:
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=level)


def put(house, model, body):
    house.s3.put_object(Bucket="models", Key=f"{model}/model.tar.gz", Body=body)


def status(sidecar):
    """Each model's line of the status file, by name."""
    path = sidecar.cache / "status.json"
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["model"]: line for line in lines if "model" in line}


def failed(sidecar, model):
    return wait_until(f"{model} has failed", lambda: status(sidecar).get(model, {}).get("reason"), seconds=60)


def live(house, model):
    return wait_until(f"{model} is live", lambda: house.executor.live_version(model), seconds=60)


def peak_bytes(program):
    for line in pathlib.Path(f"/proc/{program.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_golden_requests_of_nothing_but_commas_are_refused_in_little_memory(house):
    put(house, "good", tar_gz([("model.json", MACHINE)]))
    live(house, "good")
    before = peak_bytes(house.sidecar)
    commas = b"site,hour,margin\n" + b"," * (40 << 20)
    put(house, "wide", tar_gz([("model.json", MACHINE), ("golden.csv", commas)], level=6))
    put(house, "huge", tar_gz([("model.json", MACHINE), ("golden.csv", b"," * (100 << 20))], level=6))
    assert "line 2 of golden.csv" in failed(house.sidecar, "wide")
    assert "golden.csv" in failed(house.sidecar, "huge") or "times its size" in failed(house.sidecar, "huge")
    # Two archives at once, of which 40 and at most 64 MiB are kept, each while its memory doubles.
    assert peak_bytes(house.sidecar) < before + (450 << 20)
    assert house.executor.live_version("good")


@pytest.mark.parametrize("members, margin", [
    ([("model/model.json", None), ("model/encoders.json", "site"), ("model/golden.csv", "golden")], 31),
    ([("./model.json", None), ("./Encoders.JSON", "site"), ("./Golden.CSV", "golden")], 31),
    ([("__MACOSX/._model.json", b"\0\5\26\7"), ("._golden.csv", b"\0\5\26\7"), ("model.json", None),
      ("encoders.json", "site"), ("README.md", b"hello"), ("code/inference.py", b"import os")], 31),
])
def test_what_lies_at_the_root_is_used_wherever_the_root_is(folder, members, margin):
    contents = {None: MACHINE, "site": b'{"version":1,"encoders":{"site":{"categories":{"a":1},"unknown":3}}}',
                "golden": b"site,hour,margin\nb,0,31\n"}
    bundle = folder / "model.tar.gz"
    bundle.write_bytes(tar_gz([(path, contents.get(what, what)) for path, what in members]))
    image = folder / "image"
    compiled = subprocess.run([PROGRAMS / "lodestore-sidecar", "compile", bundle, "-o", image], capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    rows = folder / "rows.csv"
    rows.write_text("b,0\n")
    scored = subprocess.run([PROGRAMS / "lodestore-executor", "score", image, rows], capture_output=True, text=True)
    assert scored.returncode == 0, scored.stderr
    assert float(scored.stdout.split()[-1].split(",")[-1]) == margin, scored.stdout


@pytest.mark.parametrize("path", [
    "old/golden.csv", "extra/Encoders.json", "golden.csv.gz", "label_encoder.joblib", "weights.npz", "Model.JSON"])
def test_what_would_be_passed_over_is_refused_by_name(folder, path):
    bundle = folder / "model.tar.gz"
    bundle.write_bytes(tar_gz([("model.json", MACHINE), (path, b"x")]))
    compiled = subprocess.run(
        [PROGRAMS / "lodestore-sidecar", "compile", bundle, "-o", folder / "image"], capture_output=True, text=True)
    assert compiled.returncode == 1
    assert path in compiled.stderr, compiled.stderr


def test_a_version_that_ends_the_process_is_not_tried_again(house, folder):
    put(house, "good", tar_gz([("model.json", MACHINE)]))
    live(house, "good")
    # Many golden requests of a slow model: long enough to be killed in the middle of it.
    rows = b"".join(b"%d,%d,%d\n" % (i % 7, i % 24, 1 + 10 * (i % 7) + i % 24 + 4 * (i % 7) * (i % 24)) for i in range(90_000))
    put(house, "slow", tar_gz([("model.json", MACHINE), ("golden.csv", b"site,hour,margin\n" + rows)]))
    marks = house.sidecar.cache / "preparing"
    wait_until("it is being prepared", lambda: marks.exists() and list(marks.glob("*.mark")))
    house.sidecar.kill()
    house.sidecar.start()
    reason = failed(house.sidecar, "slow")
    assert "ended the process" in reason and str(marks) in reason, reason
    assert live(house, "good")
    assert house.executor.live_version("slow") is None
    # Another is tried; and the same once the operator says so.
    put(house, "slow", tar_gz([("model.json", MACHINE), ("golden.csv", b"site,hour,margin\n1,0,11\n")]))
    live(house, "slow")
    house.sidecar.stop()
    for mark in marks.glob("*.mark"):
        mark.unlink()
    house.sidecar.start()
    put(house, "slow", tar_gz([("model.json", MACHINE), ("golden.csv", b"site,hour,margin\n2,0,21\n")]))
    live(house, "slow")


def test_more_models_than_descriptors_end_nobody(folder):
    """The store, an executor and a sidecar whose hard limit of descriptors is below the number of models."""
    count, limit = 80, 110
    store = Store(folder / "store").start()
    s3 = store.client()
    s3.create_bucket(Bucket="models")
    executor = Executor(folder / "executor").start()
    for number in range(count):
        machine = MACHINE.replace(b'"bias":1', b'"bias":%d' % number)
        s3.put_object(Bucket="models", Key=f"m{number:03}/model.json", Body=machine)
    sidecar = Sidecar(folder / "sidecar", store.endpoint, "models", [executor])
    sidecar.descriptor_limit = limit
    try:
        sidecar.start()
        wait_until("some are live and the others say why", lambda: any(
            "Too many open files" in line.get("reason", "") for line in status(sidecar).values()), seconds=60)
        assert sidecar.is_running()
        assert any(executor.live_version(f"m{number:03}") for number in range(count))
        sidecar.kill()
        # At a restart everything that is remembered is in memory before the executors are connected.
        sidecar.start()
        wait_until("connected", lambda: any(r["message"] == "executor connected" for r in sidecar.log_records()[-400:]))
        assert sidecar.is_running()
    finally:
        sidecar.stop()
        executor.stop()
        store.stop()


def test_an_executor_without_descriptors_is_not_asked_again_and_again(folder):
    store = Store(folder / "store").start()
    s3 = store.client()
    s3.create_bucket(Bucket="models")
    executor = Executor(folder / "executor")
    executor.descriptor_limit = 96
    executor.start()
    for number in range(90):
        machine = MACHINE.replace(b'"bias":1', b'"bias":%d' % number)
        s3.put_object(Bucket="models", Key=f"m{number:03}/model.json", Body=machine)
    sidecar = Sidecar(folder / "sidecar", store.endpoint, "models", [executor])
    try:
        sidecar.start()
        wait_until("the executor refuses some", lambda: any(
            line["state"] == "failed" and "Too many open files" in line["reason"]
            for line in status(sidecar).values()), seconds=60)
        time.sleep(3)
        connections = sum(r["message"] == "executor connected" for r in sidecar.log_records())
        assert connections <= 5, connections
        assert executor.is_running() and sidecar.is_running()
        wait_until("it is said", lambda: any(r["message"] == "descriptors nearly used up" for r in executor.log_records()))
        assert any(executor.live_version(f"m{number:03}") for number in range(90))
    finally:
        sidecar.stop()
        executor.stop()
        store.stop()


def test_an_offer_whose_descriptor_cannot_be_kept_is_refused_and_the_next_is_taken(folder):
    store = Store(folder / "store").start()
    s3 = store.client()
    s3.create_bucket(Bucket="models")
    executor = Executor(folder / "executor")
    executor.descriptor_limit = 96
    executor.start()
    sidecar = Sidecar(folder / "sidecar", store.endpoint, "models", [executor])
    idle = []
    try:
        sidecar.start()
        wait_until("connected", lambda: any(r["message"] == "executor connected" for r in sidecar.log_records()))
        for _ in range(110):
            connection = executor.connect()
            connection.connect()
            idle.append(connection)
        wait_until("hardly a descriptor is left", lambda: len(list(pathlib.Path(f"/proc/{executor.process.pid}/fd").iterdir())) > 81)
        s3.put_object(Bucket="models", Key="m/model.json", Body=MACHINE)
        assert "Too many open files" in failed(sidecar, "m")
        assert sum(r["message"] == "executor connected" for r in sidecar.log_records()) == 1
        while idle:
            idle.pop().close()
        wait_until("there are some again", lambda: len(list(pathlib.Path(f"/proc/{executor.process.pid}/fd").iterdir())) < 70)
        s3.put_object(Bucket="models", Key="m/model.json", Body=MACHINE.replace(b'"bias":1', b'"bias":2'))
        wait_until("the next is live", lambda: executor.live_version("m"))
    finally:
        for connection in idle:
            connection.close()
        sidecar.stop()
        executor.stop()
        store.stop()


def test_a_name_cannot_forge_a_line_of_the_status(house):
    forged = "evil\x1b[2J\nmodel good live version 1\u202e\r"
    house.s3.put_object(Bucket="models", Key=f"{forged}/model.json", Body=b"{}")
    put(house, "good", tar_gz([("model.json", MACHINE)]))
    live(house, "good")
    wait_until("it has failed", lambda: status(house.sidecar).get(forged, {}).get("reason"))
    shown = subprocess.run([PROGRAMS / "lodestore-sidecar", "status", "--cache", house.sidecar.cache],
                           capture_output=True, text=True, check=True).stdout
    assert len(shown.split("\n")) == 4, shown
    assert "\x1b" not in shown and "\r" not in shown and "\u202e" not in shown
    assert "\\u{1B}[2J\\nmodel good live" in shown, shown
