"""boto3 with its default settings (CRC32 trailers and all), and with those of older clients."""

import hashlib
import http.client
import io
import os
import threading
import time
import urllib.parse
import urllib.request

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from programs import ACCESS_KEY, SECRET_KEY

MIB = 1 << 20


def code(error):
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(params=["default", "signed-payload", "md5-only"])
def s3(store, request):
    return {
        "default": lambda: store.client(),
        "signed-payload": lambda: store.client(s3={"payload_signing_enabled": True, "addressing_style": "path"}),
        "md5-only": lambda: store.client(
            request_checksum_calculation="when_required", response_checksum_validation="when_required"),
    }[request.param]()


@pytest.mark.parametrize("size", [0, 1, 4096, 16 * 1024, 16 * 1024 + 1, 1 * MIB, 5 * MIB + 1, 20 * MIB])
def test_put_and_get_give_the_same_bytes(s3, bucket, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, Metadata={"purpose": "test"}, ContentType="text/x-test",
                        CacheControl="max-age=5", ContentDisposition="inline", ContentLanguage="en")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["Metadata"] == {"purpose": "test"}
    assert (got["ContentType"], got["CacheControl"], got["ContentLanguage"]) == ("text/x-test", "max-age=5", "en")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])


@pytest.mark.parametrize("size", [0, 1, 5 * MIB + 1, 300 * MIB])
def test_managed_transfers_of_every_size(s3, bucket, size):
    body = os.urandom(size) if size < 16 * MIB else os.urandom(16 * MIB) * (size // (16 * MIB)) + os.urandom(size % (16 * MIB))
    s3.upload_fileobj(io.BytesIO(body), bucket, "managed", Config=TransferConfig(multipart_chunksize=8 * MIB))
    back = io.BytesIO()
    s3.download_fileobj(bucket, "managed", back)
    assert hashlib.sha256(back.getbuffer()).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_verified_and_answered(store, bucket, algorithm):
    s3 = store.client()
    if algorithm in ("CRC32C", "CRC64NVME"):
        pytest.importorskip("awscrt", reason="boto3 makes this checksum only with awscrt")
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    value = put[f"Checksum{algorithm}"]
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == value
    with pytest.raises(ClientError) as wrong:
        s3.put_object(Bucket=bucket, Key="k", Body=b"hallo", **{f"Checksum{algorithm}": value})
    assert code(wrong) == ("BadDigest", 400)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"


def test_a_declared_crc64nvme_is_verified(store, bucket):
    s3 = store.client()
    s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumCRC64NVME="rosUhgp5mIg=")
    with pytest.raises(ClientError) as wrong:
        s3.put_object(Bucket=bucket, Key="k", Body=b"123456780", ChecksumCRC64NVME="rosUhgp5mIg=")
    assert code(wrong) == ("BadDigest", 400)
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == "rosUhgp5mIg="


def test_ranges(store, bucket):
    s3 = store.client()
    body = os.urandom(3 * MIB + 17)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for header, expected in {
        "bytes=0-0": body[:1], "bytes=100-": body[100:], "bytes=-7": body[-7:], f"bytes={MIB - 1}-{2 * MIB}": body[MIB - 1:2 * MIB + 1],
    }.items():
        got = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert got["Body"].read() == expected
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["ContentRange"].endswith(f"/{len(body)}")
    with pytest.raises(ClientError) as beyond:
        s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={len(body)}-")
    assert code(beyond) == ("InvalidRange", 416)


def test_conditions_on_reads_and_writes(store, bucket):
    s3 = store.client()
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as exists:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert code(exists) == ("PreconditionFailed", 412)
    with pytest.raises(ClientError) as unchanged:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert unchanged.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    with pytest.raises(ClientError) as mismatch:
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"00000000000000000000000000000000"')
    assert code(mismatch) == ("PreconditionFailed", 412)
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    with pytest.raises(ClientError) as stale:
        s3.put_object(Bucket=bucket, Key="k", Body=b"4", IfMatch=etag)
    assert code(stale) == ("PreconditionFailed", 412)
    with pytest.raises(ClientError) as absent:
        s3.put_object(Bucket=bucket, Key="absent", Body=b"5", IfMatch=etag)
    assert code(absent) == ("NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_of_many_conditional_creations_one_wins(store, bucket):
    s3, won = store.client(), []

    def create(number):
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=str(number).encode(), IfNoneMatch="*")
            won.append(number)
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")

    threads = [threading.Thread(target=create, args=(n,)) for n in range(32)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(won) == 1
    assert s3.get_object(Bucket=bucket, Key="lock")["Body"].read() == str(won[0]).encode()


HOSTILE_KEYS = [
    "..", "../../etc/passwd", ".", "/", "//", "a//b", "/leading", "trailing/", "a b+c%20d", "quote\"'<>&", "ключ/鍵/🔑", "?x=y#z",
    "é" * 512, "a" * 1024, "tab\tnewline\n", "\x7f", "e\u0301", "\u00e9",
]


@pytest.mark.parametrize("key", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
def test_hostile_keys_are_ordinary_keys(store, bucket, key):
    s3 = store.client()
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy of it", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy of it")["Body"].read() == key.encode()
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": "copy of it"}]})
    assert sorted(d["Key"] for d in answer["Deleted"]) == sorted([key, "copy of it"])
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_listing_pages_prefixes_and_delimiters(store, bucket):
    s3 = store.client()
    keys = sorted(f"{a}/{b}/{c}" for a in "abc" for b in ("x", "y z", "ü") for c in range(7)) + ["zzz"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    expected = sorted(keys, key=lambda k: k.encode())
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 4})
        assert [o["Key"] for page in pages for o in page.get("Contents", [])] == expected
        seen = {"keys": [], "prefixes": []}
        for page in s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}):
            seen["keys"] += [o["Key"] for o in page.get("Contents", [])]
            seen["prefixes"] += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        assert seen == {"keys": ["zzz"], "prefixes": ["a/", "b/", "c/"]}
    nested = s3.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert [p["Prefix"] for p in nested["CommonPrefixes"]] == ["b/x/", "b/y z/", "b/ü/"]
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="c/ü/5")
    assert [o["Key"] for o in after["Contents"]] == ["c/ü/6", "zzz"]


def test_multipart_by_hand(store, bucket):
    s3 = store.client()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", Metadata={"a": "b"})["UploadId"]
    bodies = {1: os.urandom(5 * MIB), 2: os.urandom(6 * MIB), 7: os.urandom(10)}
    tags = {n: s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=n, Body=b)["ETag"] for n, b in bodies.items()}
    bodies[2] = os.urandom(5 * MIB + 3)
    tags[2] = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=2, Body=bodies[2])["ETag"]
    listed = s3.list_parts(Bucket=bucket, Key="m", UploadId=upload)["Parts"]
    assert [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed] == [(n, len(b), tags[n]) for n, b in bodies.items()]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]

    def complete(*numbers, wrong=None):
        return s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={
            "Parts": [{"PartNumber": n, "ETag": wrong or tags[n]} for n in numbers]})

    for numbers, wrong, expected in [((2, 1), None, "InvalidPartOrder"), ((1, 2), '"00"', "InvalidPart"), ((1, 7, 2), None, "InvalidPartOrder")]:
        with pytest.raises(ClientError) as error:
            complete(*numbers, wrong=wrong)
        assert code(error) == (expected, 400)
    done = complete(1, 2, 7)
    digest = hashlib.md5(b"".join(hashlib.md5(bodies[n]).digest() for n in (1, 2, 7))).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    got = s3.get_object(Bucket=bucket, Key="m")
    assert got["Body"].read() == bodies[1] + bodies[2] + bodies[7]
    assert got["Metadata"] == {"a": "b"}
    with pytest.raises(ClientError) as gone:
        s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
    assert code(gone) == ("NoSuchUpload", 404)


def test_small_parts_are_refused_and_aborted_uploads_leave_nothing(store, bucket):
    s3 = store.client()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=n, Body=b"small")["ETag"]}
             for n in (1, 2)]
    with pytest.raises(ClientError) as small:
        s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": parts})
    assert code(small) == ("EntityTooSmall", 400)
    s3.abort_multipart_upload(Bucket=bucket, Key="m", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_copies_keep_or_replace_metadata(store, bucket):
    s3 = store.client()
    s3.put_object(Bucket=bucket, Key="from", Body=b"body", Metadata={"a": "1"}, ContentType="text/a")
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=f"{bucket}/from")
    kept = s3.head_object(Bucket=bucket, Key="kept")
    assert (kept["Metadata"], kept["ContentType"]) == ({"a": "1"}, "text/a")
    s3.copy_object(Bucket=bucket, Key="replaced", CopySource=f"{bucket}/from", MetadataDirective="REPLACE",
                   Metadata={"b": "2"}, ContentType="text/b")
    replaced = s3.head_object(Bucket=bucket, Key="replaced")
    assert (replaced["Metadata"], replaced["ContentType"]) == ({"b": "2"}, "text/b")
    with pytest.raises(ClientError) as itself:
        s3.copy_object(Bucket=bucket, Key="from", CopySource=f"{bucket}/from")
    assert code(itself) == ("InvalidRequest", 400)
    s3.delete_object(Bucket=bucket, Key="from")
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"body"


@pytest.mark.parametrize("signature_version", [None, "s3v4"], ids=["default", "s3v4"])
def test_presigned_urls_are_bound_to_what_they_sign(store, bucket, signature_version):
    s3 = store.client(**({"signature_version": signature_version} if signature_version else {}))
    put = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}))
    connection = http.client.HTTPConnection(put.netloc, timeout=20)
    connection.request("PUT", f"{put.path}?{put.query}", body=b"by url")
    assert connection.getresponse().status == 200
    connection.close()
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k", "ResponseContentType": "text/q"})
    answer = urllib.request.urlopen(get)
    assert (answer.read(), answer.headers["Content-Type"]) == (b"by url", "text/q")
    for broken in (get.replace("/k?", "/l?"), get.replace("text%2Fq", "text%2Fr"), get[:-1] + ("1" if get[-1] != "1" else "2")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(broken)
        assert refused.value.code == 403 and b"<Code>SignatureDoesNotMatch</Code>" in refused.value.read()
    soon = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=1)
    time.sleep(2.1)
    with pytest.raises(urllib.error.HTTPError) as late:
        urllib.request.urlopen(soon)
    assert late.value.code == 403 and b"expired" in late.value.read()


def test_virtual_hosts_name_the_bucket(store, bucket, folder):
    from programs import Store

    own = Store(folder / "virtual", "--domain", "s3.example.test").start()
    try:
        s3 = own.client()
        s3.create_bucket(Bucket="vhost")
        s3.put_object(Bucket="vhost", Key="a/b", Body=b"here")
        # The signature binds the Host header, so it is signed for the virtual host and sent to the loopback.
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method="GET", url=f"http://vhost.s3.example.test:{own.port}/a/b")
        S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(request)
        parsed = urllib.parse.urlsplit(request.url)
        connection = http.client.HTTPConnection("127.0.0.1", own.port, timeout=10)
        connection.request("GET", f"{parsed.path}?{parsed.query}", headers={"Host": parsed.netloc})
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"here")
    finally:
        assert own.stop() == 0


def test_wrong_credentials_are_refused(store, bucket):
    import boto3

    for key, secret, expected in [(ACCESS_KEY, "wrong", "SignatureDoesNotMatch"), ("UNKNOWNKEY0000000001", SECRET_KEY, "InvalidAccessKeyId")]:
        stranger = boto3.client("s3", endpoint_url=store.endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1")
        with pytest.raises(ClientError) as refused:
            stranger.list_objects_v2(Bucket=bucket)
        assert code(refused) == (expected, 403)
