"""Clients of Amazon SageMaker, unmodified, against the executor: boto3's `sagemaker-runtime` and the SDK's serializers."""

import contextlib
import datetime
import importlib
import io
import json
import os
import pathlib
import sys
import types
import unittest.mock

import boto3
import botocore.auth
import botocore.exceptions
import pytest
from botocore.config import Config

from goldens import MODELS, Golden, values, worst_difference
from programs import Executor, House, Sidecar, Store, wait_until

ACCESS_KEY, SECRET_KEY, REGION = "RUNTIMEKEY0000000001", "runtime/secret+key/0123456789abcdefgh", "us-east-1"
NAME = sorted(p.name for p in MODELS.iterdir() if (p / "golden.csv").exists())[0]


def write_credentials(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
    path.chmod(0o600)
    return path


class SignedHouse(House):
    """A house whose executor knows who may ask at /endpoints/…"""

    def __init__(self, folder, *flags):
        self.store = Store(folder / "store").start()
        self.s3 = self.store.client()
        self.s3.create_bucket(Bucket="models")
        credentials = write_credentials(folder / "credentials")
        self.executor = Executor(folder / "executor", "--credentials", credentials, "--default-model", NAME, *flags).start()
        self.sidecar = Sidecar(folder / "sidecar", self.store.endpoint, "models", [self.executor]).start()

    def push_demo(self):
        artifact = next(p for p in sorted((MODELS / NAME).iterdir()) if p.name not in ("golden.csv", "README.md"))
        self.push(NAME, artifact, artifact.name)
        wait_until("the model is live", lambda: self.executor.ping() == 200)
        return Golden(MODELS / NAME / "golden.csv")


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    import tempfile

    with tempfile.TemporaryDirectory(prefix="lode-") as folder:  # short: Unix sockets allow 107 bytes
        house = SignedHouse(pathlib.Path(folder))
        house.golden = house.push_demo()
        yield house
        house.stop()


def runtime(executor, secret=SECRET_KEY, access_key=ACCESS_KEY, scheme="http", **options):
    return boto3.client(
        "sagemaker-runtime", endpoint_url=f"{scheme}://127.0.0.1:{executor.port}", aws_access_key_id=access_key,
        aws_secret_access_key=secret, region_name=REGION, config=Config(retries={"max_attempts": 0}), **options)


def refusal(call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    error = caught.value.response
    assert error["ResponseMetadata"]["RequestId"]
    return error["Error"]["Code"], error["Error"]["Message"], error


def test_boto3_invokes_an_endpoint(signed):
    client = runtime(signed.executor)
    golden = signed.golden
    answer = client.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=golden.body(0, 50))
    assert worst_difference(values(answer["Body"].read().decode()), golden.expected(0, 50)) <= 1e-6
    assert answer["InvokedProductionVariant"] == "AllTraffic" and answer["ContentType"].startswith("text/csv")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-lodestore-model"] == NAME and headers["x-lodestore-model-version"]
    answer = client.invoke_endpoint(
        EndpointName="any-name", TargetModel=f"{NAME}.tar.gz", TargetVariant="AllTraffic", InferenceId="i-1",
        CustomAttributes="trace=1", ContentType="application/json", Accept="application/jsonlines",
        Body=json.dumps({"instances": golden.features[:3]}))
    scores = [json.loads(line)["score"] for line in answer["Body"].read().decode().splitlines()]
    assert worst_difference(scores, golden.expected(0, 3)) <= 1e-6
    assert answer["CustomAttributes"] == "trace=1" and answer["ContentType"] == "application/jsonlines"
    # Large enough that a worker reads it and verifies the signature.
    rows = len(golden)
    body = "\n".join(golden.lines * (200_000 // len(golden.body()) + 1))
    answer = client.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=body)
    assert worst_difference(values(answer["Body"].read().decode())[:rows], golden.expected()) <= 1e-6


def test_boto3_is_told_what_is_wrong_in_the_words_that_it_knows(signed):
    client = runtime(signed.executor)
    code, message, error = refusal(lambda: client.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body="1,x"))
    assert code == "ModelError" and error["OriginalStatusCode"] == 400 and "row 1" in error["OriginalMessage"]
    with pytest.raises(client.exceptions.ModelError):
        client.invoke_endpoint(EndpointName=NAME, ContentType="image/png", Body="1")
    code, message, _ = refusal(lambda: client.invoke_endpoint(EndpointName=NAME, TargetModel="absent", Body="1"))
    assert code == "ValidationError" and "absent" in message
    code, message, _ = refusal(lambda: client.invoke_endpoint(EndpointName=NAME, TargetVariant="blue", Body="1"))
    assert code == "ValidationError" and "blue" in message
    with pytest.raises(client.exceptions.ModelError):
        client.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=b"1," * (9 << 20))


@pytest.mark.parametrize("large", [False, True])
def test_signatures_are_verified(signed, large):
    body = "1" * 100_000 if large else "1"
    invoke = dict(EndpointName=NAME, ContentType="text/csv", Body=body)
    code, _, _ = refusal(lambda: runtime(signed.executor, secret=SECRET_KEY + "x").invoke_endpoint(**invoke))
    assert code == "InvalidSignatureException"
    code, _, _ = refusal(lambda: runtime(signed.executor, access_key="NOBODYSKEY0000000001").invoke_endpoint(**invoke))
    assert code == "UnrecognizedClientException"
    for minutes in (-16, 16):
        client = runtime(signed.executor)
        shift = datetime.timedelta(minutes=minutes)
        real = botocore.auth.get_current_datetime
        with unittest.mock.patch.object(botocore.auth, "get_current_datetime", lambda *a, **k: real(*a, **k) + shift):
            code, message, _ = refusal(lambda: client.invoke_endpoint(**invoke))
        assert code == "InvalidSignatureException" and "15 minutes" in message
    with contextlib.closing(signed.executor.connect()) as connection:
        connection.request("POST", f"/endpoints/{NAME}/invocations", body=body, headers={"Content-Type": "text/csv"})
        answer = connection.getresponse()
        assert answer.status == 403 and answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert json.loads(answer.read())["message"]


def test_without_credentials_signatures_are_ignored(house):
    assert refusal(lambda: runtime(house.executor).invoke_endpoint(EndpointName="a", Body="1"))[0] == "ServiceUnavailable"
    artifact = next(p for p in sorted((MODELS / NAME).iterdir()) if p.name not in ("golden.csv", "README.md"))
    house.push(NAME, artifact, artifact.name)
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    golden = Golden(MODELS / NAME / "golden.csv")
    answer = runtime(house.executor, secret="whatever").invoke_endpoint(
        EndpointName=NAME, ContentType="text/csv", Body=golden.lines[0])
    assert worst_difference(values(answer["Body"].read().decode()), golden.expected(0, 1)) <= 1e-6


@pytest.mark.parametrize("mode, listen, flags, code", [
    (0o644, "127.0.0.1", [], 78), (0o600, "127.0.0.1", [], None), (0o600, "0.0.0.0", [], None),
    (None, "0.0.0.0", [], 78), (None, "0.0.0.0", ["--insecure-listen"], None),
], ids=range(5))
def test_what_may_listen_where(folder, mode, listen, flags, code):
    executor = Executor(folder / "executor")
    arguments = executor.arguments()
    arguments[arguments.index("--listen") + 1] = f"{listen}:{executor.port}"
    if mode is not None:
        credentials = write_credentials(folder / "credentials")
        credentials.chmod(mode)
        arguments += ["--credentials", credentials]
    executor.arguments = lambda: arguments + flags
    if code is not None:
        executor.start(wait=False)
        assert executor.process.wait(30) == code and "accepted is" in executor.log()
        return
    executor.start()
    # Beyond the loopback nothing is predicted unsigned, unless the operator says so; the Unix socket stays open.
    expected = 403 if listen == "0.0.0.0" and mode is not None else 503
    assert executor.predict("1,2,3")[0] == expected
    with contextlib.closing(executor.connect_socket()) as connection:
        assert executor.predict("1,2,3", connection=connection)[0] == 503
    assert executor.stop() == 0


@pytest.fixture(scope="module")
def serializers():
    """The SDK's serializers as they are published. Importing the whole SDK would take all it depends on; its package is
    entered by the side door instead, and the files that are used are not changed."""
    from importlib.metadata import distribution

    root = pathlib.Path(distribution("sagemaker").locate_file("sagemaker"))
    package = types.ModuleType("sagemaker")
    package.__path__ = [str(root)]
    sys.modules["sagemaker"] = package
    return importlib.import_module("sagemaker.base_serializers")


def test_the_sdks_serializers(signed, serializers):
    client, golden = runtime(signed.executor), signed.golden
    # The SDK's CSV has no word for a missing value.
    whole = [index for index, row in enumerate(golden.features) if None not in row][:20]
    rows, expected = [golden.features[index] for index in whole], [golden.probabilities[index] for index in whole]
    assert rows
    for serializer, data, accept in [
        (serializers.CSVSerializer(), rows, "text/csv"), (serializers.JSONSerializer(), rows, "application/json"),
        (serializers.JSONSerializer(), {"instances": rows}, "application/json"),
        (serializers.JSONLinesSerializer(), rows, "application/jsonlines"),
        (serializers.JSONLinesSerializer(), [{"features": row} for row in rows], "application/jsonlines"),
    ]:
        answer = client.invoke_endpoint(
            EndpointName=NAME, ContentType=serializer.CONTENT_TYPE, Accept=accept, Body=serializer.serialize(data))
        text = answer["Body"].read().decode()
        found = {"text/csv": lambda: values(text), "application/json": lambda: json.loads(text)["predictions"],
                 "application/jsonlines": lambda: [json.loads(line)["score"] for line in text.splitlines()]}[accept]()
        assert worst_difference(found, expected) <= 1e-6
