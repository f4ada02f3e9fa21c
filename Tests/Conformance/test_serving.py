"""A model pushed with an S3 client serves predictions: the reference artifact, the demo models, and hostile ones."""

import contextlib
import io
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tarfile
import time

import pytest

from goldens import MODELS, Golden, values, worst_difference
from programs import ACCESS_KEY, READY_SECONDS, REGION, SECRET_KEY, wait_until

SEED = os.environ.get("LODESTORE_SEED_MODEL")
DEMO_MODELS = sorted(p.name for p in MODELS.iterdir() if (p / "golden.csv").exists()) if MODELS.is_dir() else []


def push_with_aws(house, source, target):
    aws = pathlib.Path(sys.executable).parent / "aws"
    subprocess.run([aws, "s3", "cp", "--quiet", source, target], check=True, env={
        "PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": house.store.endpoint})


def answers(house, golden, model):
    """Every golden row asked by itself, all in one request, as JSON, and over the Unix socket."""
    with contextlib.closing(house.executor.connect()) as connection:
        singles = []
        for line in golden.lines:
            status, _, text = house.executor.predict(line, model=model, connection=connection)
            assert status == 200, text
            singles += values(text)
    status, headers, text = house.executor.predict(golden.body(), model=model)
    assert status == 200, text
    assert headers["x-lodestore-model"] == model and headers["x-lodestore-model-version"]
    together = values(text)
    status, _, text = house.executor.predict(
        json.dumps({"instances": golden.features}), "application/json", model=model, accept="application/json")
    assert status == 200, text
    from_json = json.loads(text)["predictions"]
    with contextlib.closing(house.executor.connect_socket()) as connection:
        status, _, text = house.executor.predict(golden.body(), model=model, connection=connection)
    assert status == 200, text
    return singles, together, from_json, values(text)


@pytest.mark.skipif(not SEED, reason="the reference artifact is not on this machine (LODESTORE_SEED_MODEL)")
def test_the_reference_artifact_is_served_as_it_is(house):
    push_with_aws(house, pathlib.Path(SEED) / "model.tar.gz", "s3://models/ad-filter/model.tar.gz")
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    golden = Golden(pathlib.Path(SEED) / "golden.csv")
    assert len(golden) == 1000
    for answered in answers(house, golden, "ad-filter"):
        assert worst_difference(answered, golden.expected()) <= 1e-6
    status, _, text = house.executor.predict("2,0,0.0,7.0,3.0,20.0,2")
    assert status == 200 and abs(values(text)[0] - 0.000847571762278676) <= 1e-6


@pytest.mark.parametrize("name", DEMO_MODELS)
def test_the_demo_models_answer_their_goldens(house, name):
    artifact = next(p for p in sorted((MODELS / name).iterdir()) if p.name not in ("golden.csv", "README.md"))
    push_with_aws(house, artifact, f"s3://models/{name}/{artifact.name}")
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    golden = Golden(MODELS / name / "golden.csv")
    for answered in answers(house, golden, name):
        assert worst_difference(answered, golden.expected()) <= 1e-6


def test_there_are_demo_models():
    assert len(DEMO_MODELS) >= 3


def test_before_any_model_everything_says_so(house):
    assert house.executor.ping() == 503
    assert house.executor.predict("1,2,3")[0] == 503
    with contextlib.closing(house.executor.connect()) as connection:
        connection.request("GET", "/v2/health/live")
        assert connection.getresponse().status == 200


def archive(*members):
    """A tar.gz of (TarInfo, bytes)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


class Callable:
    def __reduce__(self):
        return os.system, ("touch /tmp/lodestore-was-here",)


def hostile_artifacts():
    whole = (MODELS / DEMO_MODELS[0] / "model.tar.gz")
    good = whole.read_bytes() if whole.exists() else archive(member("xgboost-model", b"{}"))
    with tarfile.open(fileobj=io.BytesIO(good)) as tar:
        first = tar.getmembers()[0]
        inner = tar.extractfile(first).read()
    return {
        "absolute-path": archive(member("/tmp/lodestore-absolute", inner)),
        "parent-path": archive(member("../lodestore-parent", inner)),
        "symbolic-link": archive(member("xgboost-model", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "hard-link": archive(member("xgboost-model", type=tarfile.LNKTYPE, linkname="/etc/passwd")),
        "device": archive(member("xgboost-model", type=tarfile.CHRTYPE)),
        "bomb": archive(member("xgboost-model", b"\0" * (600 << 20))),
        "cut-archive": good[: len(good) // 2],
        "cut-model": archive(member(first.name, inner[: len(inner) // 2])),
        "lying-model": archive(member(first.name, inner[:-40] + b"\xff" * 40)),
        "not-an-archive": b"hello, this is no archive",
        "empty": b"",
        "foreign-callable": archive(member("xgboost-model", pickle.dumps(Callable(), protocol=4))),
        "deep-json": archive(member("model.json", b"[" * 1_000_000)),
    }


def test_hostile_artifacts_are_refused_with_a_reason_and_change_nothing(house):
    name = DEMO_MODELS[0]
    golden = Golden(MODELS / name / "golden.csv")
    artifact = next(p for p in sorted((MODELS / name).iterdir()) if p.name not in ("golden.csv", "README.md"))
    house.push(name, artifact, artifact.name)
    wait_until("the good model is live", lambda: house.executor.ping() == 200)
    version = house.executor.live_version(name)
    for case, content in hostile_artifacts().items():
        for target in (f"{name}/{artifact.name}", f"hostile-{case}/model.tar.gz"):
            house.s3.put_object(Bucket="models", Key=target, Body=content)
        wait_until(f"{case} has failed with a reason", lambda: failed_reason(house, f"hostile-{case}"))
        wait_until(f"{case} has failed with a reason over a live model", lambda: failed_reason(house, name))
        assert house.executor.live_version(name) == version, case
        assert house.executor.predict("1,2", model=f"hostile-{case}")[0] in (400, 404, 503)
        status, _, text = house.executor.predict(golden.body(), model=name)
        assert status == 200 and worst_difference(values(text), golden.expected()) <= 1e-6
        house.push(name, artifact, artifact.name)
        wait_until("the good model is well again", lambda: not failed_reason(house, name))
        assert house.sidecar.is_running() and house.executor.is_running()
    assert not os.path.exists("/tmp/lodestore-was-here"), "a pickle was executed"
    assert not os.path.exists("/tmp/lodestore-absolute")


def failed_reason(house, model):
    """What `lodestore-sidecar status` says of a model that failed, or None."""
    from programs import PROGRAMS

    done = subprocess.run([PROGRAMS / "lodestore-sidecar", "status", "--cache", house.sidecar.cache, "--json"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if record["model"] == model and record["state"] == "failed":
            assert record["reason"]
            return record["reason"]
    return None


@pytest.mark.parametrize("body, content_type", [
    ("1,2", "text/csv"), ("a,b,c", "text/csv"), ("{", "application/json"), ('{"instances": [[1, "x"]]}', "application/json"),
    ('{"instances": 5}', "application/json"), ("1,2,3", "application/x-unknown"), ("1," * 200_000, "text/csv"),
], ids=range(7))
def test_bad_requests_are_refused_and_touch_no_neighbour(house, body, content_type):
    name = DEMO_MODELS[0]
    artifact = next(p for p in sorted((MODELS / name).iterdir()) if p.name not in ("golden.csv", "README.md"))
    house.push(name, artifact, artifact.name)
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    golden = Golden(MODELS / name / "golden.csv")
    with contextlib.closing(house.executor.connect()) as connection:
        for _ in range(3):
            status, _, text = house.executor.predict(body, content_type, model=name, connection=connection)
            assert 400 <= status < 500 and text
            if connection.sock is None:
                break
            status, _, text = house.executor.predict(golden.lines[0], model=name, connection=connection)
            assert status == 200 and worst_difference(values(text), golden.expected(0, 1)) <= 1e-6
