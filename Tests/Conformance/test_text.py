"""Names that differ in their bytes alone: to a reader, and to a library that normalises, they look the same."""

import contextlib
import json
import urllib.parse

import pytest

from goldens import MODELS, Golden, values
from programs import wait_until

# A composed letter, two signs that letters stand for elsewhere, punctuation that ASCII has too, two marks in two orders.
TWINS = [
    ("caf\u00e9", "cafe\u0301"), ("K", "\u212a"), ("\u00c5ngstr\u00f6m", "\u212bngstr\u00f6m"), ("a;b", "a\u037eb"),
    ("q\u0307\u0323", "q\u0323\u0307"),
]
ROW = Golden(MODELS / "click-v1" / "golden.csv").lines[0]
EXPECTED = [Golden(MODELS / f"click-v{number}" / "golden.csv").probabilities[0] for number in (1, 2)]


def answer_of(house, model):
    """The prediction for ROW and the name under which it came; None until the model is live."""
    with contextlib.closing(house.executor.connect()) as connection:
        connection.request("POST", "/invocations", body=ROW, headers={
            "Content-Type": "text/csv", "X-Amzn-SageMaker-Target-Model": model.encode()})
        response = connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            return None
        return values(text)[0], response.headers["x-lodestore-model"].encode("latin-1").decode()


def test_twins_pushed_with_boto3_each_answer_their_own_predictions(house):
    for first, second in TWINS:
        house.push(first, MODELS / "click-v1" / "model.tar.gz")
        house.push(second, MODELS / "click-v2" / "model.tar.gz")
    names = [name for pair in TWINS for name in pair]
    listed = house.s3.list_objects_v2(Bucket="models")["Contents"]
    assert [entry["Key"] for entry in listed] == sorted((f"{name}/model.tar.gz" for name in names), key=str.encode)

    for number, name in enumerate(names):
        score, answered = wait_until(f"{name.encode()} is live", lambda: answer_of(house, name))
        assert answered == name
        assert abs(score - EXPECTED[number % 2]) <= 1e-6, f"{name.encode()} answers {score}"

    with contextlib.closing(house.executor.connect()) as connection:
        for name in names:
            connection.request("GET", f"/v2/models/{urllib.parse.quote(name)}")
            response = connection.getresponse()
            assert json.loads(response.read())["name"] == name
        connection.request("POST", "/v2/repository/index", body=b"{}")
        index = json.loads(connection.getresponse().read())
    assert sorted(entry["name"] for entry in index) == sorted(names)


def test_twins_of_keys_stay_apart(store, bucket):
    s3 = store.client()
    for first, second in TWINS:
        for number, name in enumerate((first, second)):
            s3.put_object(Bucket=bucket, Key=name, Body=b"%d" % number)
        assert s3.get_object(Bucket=bucket, Key=first)["Body"].read() == b"0"
        assert s3.get_object(Bucket=bucket, Key=second)["Body"].read() == b"1"
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=second)["Contents"]] == [second]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": first}]})
        assert s3.get_object(Bucket=bucket, Key=second)["Body"].read() == b"1"


@pytest.mark.parametrize("delimiter, twin, is_same", [("/", "/\u0338", True), (";", "\u037e", False), ("K", "\u212a", False)])
def test_a_delimiter_is_its_bytes(store, delimiter, twin, is_same):
    s3, bucket = store.client(), f"delimiter-{ord(delimiter)}"
    s3.create_bucket(Bucket=bucket)
    for key in (f"a{delimiter}b", f"c{twin}d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listing = s3.list_objects_v2(Bucket=bucket, Delimiter=delimiter)
    prefixes = [entry["Prefix"] for entry in listing.get("CommonPrefixes", [])]
    keys = [entry["Key"] for entry in listing.get("Contents", [])]
    # The byte of the slash is in both, whatever mark stands behind it.
    assert prefixes == [f"a{delimiter}"] + ([f"c{delimiter}"] if is_same else [])
    assert keys == ([] if is_same else [f"c{twin}d"])
