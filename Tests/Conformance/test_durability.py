"""Acknowledged is durable: the store dies in the middle of 200 concurrent PUTs, again and again."""

import hashlib
import http.client
import os
import subprocess
import threading
import time

import pytest

from programs import PROGRAMS, Store

MIB = 1 << 20
SIZES = [0, 1, 4096, 16 * 1024, 100 * 1024, 1 * MIB, 5 * MIB, 20 * MIB]


def put_until_dead(s3, bucket, writer, round_number, acknowledged, attempted):
    """Puts bodies that name themselves by their digest until the store stops answering."""
    number = 0
    while True:
        size = SIZES[(writer * 7 + number) % (len(SIZES) if writer % 10 == 0 else 5)]
        body = os.urandom(size)
        key = f"r{round_number}/w{writer}/{number:05d}"
        attempted[key] = hashlib.md5(body).hexdigest()
        try:
            answer = s3.put_object(Bucket=bucket, Key=key, Body=body)
        except Exception:
            return
        # On a connection that is cut before any answer, botocore can take the status of the request before for this one's
        # (its response class outlives a PUT without a body). An acknowledgement of ours has a request id.
        if "x-amz-request-id" not in answer["ResponseMetadata"]["HTTPHeaders"]:
            return
        acknowledged.add(key)
        number += 1


@pytest.mark.parametrize("round_number", range(3))
def test_killed_in_the_middle_of_200_puts(folder, round_number):
    store = Store(folder / "store").start()
    store.client().create_bucket(Bucket="puts")
    acknowledged, attempted = set(), {}
    # One client, which takes 0.1 s to make, with a connection for each writer.
    shared = store.client(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30, max_pool_connections=200)
    writers = [threading.Thread(target=put_until_dead, args=(shared, "puts", n, round_number, acknowledged, attempted)) for n in range(200)]
    [writer.start() for writer in writers]
    end = time.monotonic() + 60
    while len(acknowledged) < 400 + 300 * round_number and time.monotonic() < end:
        time.sleep(0.01)
    store.kill()
    [writer.join() for writer in writers]
    assert len(acknowledged) >= 400, "the kill must fall among acknowledged puts"
    assert len(attempted) > len(acknowledged), "the kill must fall among puts in flight"

    store.start()
    s3 = store.client()
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="puts"):
        found.update({item["Key"]: item for item in page.get("Contents", [])})
    assert sorted(acknowledged - found.keys()) == [], f"of {len(acknowledged)} acknowledged objects these are gone"
    assert found.keys() <= attempted.keys()
    for key in found:
        body = s3.get_object(Bucket="puts", Key=key)["Body"].read()
        assert hashlib.md5(body).hexdigest() == attempted[key], f"{key} is partial"
        assert found[key]["ETag"] == f'"{attempted[key]}"'

    # The store is alive after it: writes go on, and everything can be taken back.
    s3.put_object(Bucket="puts", Key="after", Body=b"after")
    assert store.stop() == 0
    checked = subprocess.run([PROGRAMS / "lodestore", "check", "--data", store.data], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "orphans=0" in checked.stdout, checked.stdout


def test_an_upload_survives_a_kill_between_its_parts(folder):
    store = Store(folder / "store").start()
    s3 = store.client()
    s3.create_bucket(Bucket="uploads")
    upload = s3.create_multipart_upload(Bucket="uploads", Key="m")["UploadId"]
    first, second = os.urandom(5 * MIB), os.urandom(17 * MIB)
    tags = [s3.upload_part(Bucket="uploads", Key="m", UploadId=upload, PartNumber=1, Body=first)["ETag"]]
    store.kill()
    store.start()
    tags.append(s3.upload_part(Bucket="uploads", Key="m", UploadId=upload, PartNumber=2, Body=second)["ETag"])
    store.kill()
    store.start()
    s3.complete_multipart_upload(Bucket="uploads", Key="m", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]})
    store.kill()
    store.start()
    assert s3.get_object(Bucket="uploads", Key="m")["Body"].read() == first + second
    assert store.stop() == 0


def test_stopping_lets_what_runs_finish(folder):
    store = Store(folder / "store").start()
    s3 = store.client()
    s3.create_bucket(Bucket="drain")
    body = os.urandom(64 * MIB)
    s3.put_object(Bucket="drain", Key="large", Body=body)
    url = s3.generate_presigned_url("get_object", {"Bucket": "drain", "Key": "large"})
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=60)
    connection.request("GET", url.split(f":{store.port}", 1)[1])
    response = connection.getresponse()
    start = response.read(MIB)
    stopping = threading.Thread(target=lambda: exits.append(store.stop(60)))
    exits = []
    stopping.start()
    time.sleep(0.5)
    rest = response.read()
    assert start + rest == body, "a download in flight was cut by SIGTERM"
    connection.close()
    stopping.join()
    assert exits == [0]


def test_one_data_directory_has_one_store(folder):
    store = Store(folder / "store").start()
    second = Store(folder / "second")
    second.data = store.data
    second.start(wait=False)
    assert second.process.wait(30) not in (0, None)
    assert store.is_running()
    assert store.stop() == 0
