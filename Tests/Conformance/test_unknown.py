"""What the store does not know is refused by name before anything is done: every operation, sub-resource and header of the SDK's model."""

import base64
import hashlib
import http.client
import xml.etree.ElementTree as XML

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import ROOT
from programs import ACCESS_KEY, REGION, SECRET_KEY

KEY, BODY = "kept", b"the bytes that stay"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
SERVED = {
    "ListBuckets", "CreateBucket", "HeadBucket", "DeleteBucket", "GetBucketLocation", "GetBucketVersioning", "ListObjects", "ListObjectsV2",
    "ListMultipartUploads", "DeleteObjects", "GetObject", "HeadObject", "PutObject", "CopyObject", "DeleteObject", "CreateMultipartUpload",
    "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts",
}
# Asked of other hosts than a store's: an endpoint of zones, whose request is that of ListBuckets, and one of functions.
ELSEWHERE = {"ListDirectoryBuckets", "WriteGetObjectResponse"}


def operations():
    for line in (ROOT / "Data/Vectors/S3Operations/operations.tsv").read_text().splitlines():
        name, method, level, marks, required, optional, headers = line.split("\t")
        yield name, method, level, marks.split(), required.split(), optional.split(), headers.split()


SUBRESOURCES = sorted({mark for _, _, _, marks, *_ in operations() for mark in marks if "=" not in mark} | {"uploadId"})


class Raw:
    """Requests exactly as given, signed by botocore, over one connection."""

    def __init__(self, store):
        self.endpoint = store.endpoint
        self.connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=20)

    def __call__(self, method, target, headers=None, body=b""):
        request = AWSRequest(method, self.endpoint + target, headers=headers or {}, data=body)
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(request)
        return self.send(method, target, dict(request.headers), body)

    def send(self, method, target, headers, body=b""):
        self.connection.request(method, target, body=body, headers=headers)
        response = self.connection.getresponse()
        return response.status, response.read().decode()


@pytest.fixture
def raw(store):
    return Raw(store)


@pytest.fixture
def kept(raw, bucket):
    """An object that must be there, and alone, after every refusal. Answers the check."""
    assert raw("PUT", f"/{bucket}/{KEY}", body=BODY)[0] == 200

    def check(what):
        assert raw("GET", f"/{bucket}/{KEY}") == (200, BODY.decode()), what

    yield check
    check("at the end")
    _, listing = raw("GET", f"/{bucket}")
    assert [e.text for e in XML.fromstring(listing).iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key")] == [KEY]


def refusal(answer):
    status, body = answer
    document = XML.fromstring(body)
    return status, document.findtext("Code"), document.findtext("Message")


def md5(body):
    return {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}


@pytest.mark.parametrize("value", ["", "=x"], ids=["bare", "valued"])
def test_every_operation_of_the_model_is_served_or_refused_by_name(raw, bucket, kept, value):
    refused = 0
    for name, method, level, marks, required, _, _ in operations():
        if name in SERVED | ELSEWHERE:
            continue
        path = f"/{bucket}/{KEY}" if level == "object" else f"/{bucket}"
        items = [mark if "=" in mark else mark + value for mark in marks] + [f"{parameter}=x" for parameter in required]
        answer = raw(method, path + "?" + "&".join(items), body=b"<a/>" if method in ("PUT", "POST") else b"")
        assert answer[0] == 501, (name, answer)
        status, code, message = refusal(answer)
        assert code == "NotImplemented" and marks[0].split("=")[0] in message, (name, message)
        kept(name)
        refused += 1
    assert refused > 90


def test_every_subresource_with_every_method(raw, bucket, kept):
    served = {(method, level, mark) for name, method, level, marks, required, *_ in operations() if name in SERVED for mark in marks + required}
    for subresource in SUBRESOURCES:
        for method in METHODS:
            for level, path in (("bucket", f"/{bucket}"), ("object", f"/{bucket}/{KEY}"), ("bucket", "/made-by-mistake"), ("object", f"/{bucket}/made")):
                if (method, level, subresource) in served:
                    continue
                what = f"{method} {path}?{subresource}"
                answer = raw(method, f"{path}?{subresource}")
                assert answer[0] == 501, (what, answer)
                assert method == "HEAD" or subresource in refusal(answer)[2], what
        kept(subresource)
    assert raw("HEAD", "/made-by-mistake")[0] == 404


def test_unknown_parameters_are_refused_on_writes_and_passed_over_on_reads(raw, bucket, kept):
    for method, path in (("PUT", f"/{bucket}/{KEY}"), ("DELETE", f"/{bucket}/{KEY}"), ("DELETE", f"/{bucket}"), ("PUT", "/made-by-mistake"),
                         ("PUT", f"/{bucket}/{KEY}?partNumber=1&uploadId={'0' * 32}"), ("POST", f"/{bucket}/{KEY}?uploads"), ("POST", f"/{bucket}?delete")):
        for unknown in ("of-tomorrow", "of-tomorrow=1", "versionid=null", "Uploads", "x-amz-acl=private", "x-id=PutObjectAnnotation"):
            answer = raw(method, path + ("&" if "?" in path else "?") + unknown)
            assert refusal(answer)[:2] == (501, "NotImplemented"), (method, path, unknown, answer)
            assert unknown.split("=")[0] in refusal(answer)[2]
    for target in (f"/{bucket}/{KEY}?v=1700000000", f"/{bucket}/{KEY}?x-id=GetObject", f"/{bucket}?_=1", "/?nocache"):
        assert raw("GET", target)[0] == 200, target
    assert raw("PUT", f"/{bucket}/other?x-id=PutObject")[0] == 200
    assert raw("DELETE", f"/{bucket}/other?x-id=DeleteObject")[0] == 204
    assert refusal(raw("PUT", f"/{bucket}/{KEY}?uploadId={'0' * 32}"))[:2] == (400, "InvalidArgument")
    assert refusal(raw("PUT", f"/{bucket}/{KEY}?partNumber=1"))[:2] == (400, "InvalidArgument")
    twice = raw("PUT", f"/{bucket}/{KEY}?partNumber=1&partNumber=2&uploadId={'0' * 32}")
    assert refusal(twice)[:2] == (400, "InvalidArgument")


def test_headers_that_no_entry_has_are_refused_by_name(raw, bucket, kept):
    values = {"x-amz-object-ownership": "ObjectWriter", "x-amz-bucket-namespace": "account-regional", "x-amz-bucket-object-lock-enabled": "true"}
    writes = {"CreateBucket": ("PUT", "/made-by-mistake"), "DeleteBucket": ("DELETE", f"/{bucket}"), "PutObject": ("PUT", f"/{bucket}/{KEY}"),
              "DeleteObject": ("DELETE", f"/{bucket}/{KEY}"), "DeleteObjects": ("POST", f"/{bucket}?delete"),
              "CreateMultipartUpload": ("POST", f"/{bucket}/{KEY}?uploads")}
    taken = {
        "x-amz-copy-source",  # makes a write a copy
        "x-amz-expected-bucket-owner", "x-amz-request-payer", "x-amz-sdk-checksum-algorithm", "x-amz-mfa", "x-amz-bypass-governance-retention",
    }
    rows = {name: set(headers) for name, _, _, _, _, _, headers in operations()}
    strange = {name for headers in rows.values() for name in headers if name.startswith(("x-amz-", "if-"))} | {
        "x-amz-of-tomorrow", "if-of-tomorrow", "range", "content-range", "if-range", "x-amz-meta-a"}
    heeded = ("x-amz-checksum-", "x-amz-meta-", "if-match", "if-none-match", "x-amz-acl", "x-amz-grant-", "x-amz-storage-class",
              "x-amz-object-ownership", "x-amz-bucket-namespace")
    for operation, (method, target) in writes.items():
        for name in sorted(strange - taken):
            own = name in rows[operation] or name.startswith("x-amz-meta-") and "x-amz-meta-" in rows[operation]
            if name.endswith("-") or own and name.startswith(heeded) and name not in values or "checksum" in name:
                continue
            answer = raw(method, target, {name: values.get(name, "1")})
            status, code, message = refusal(answer)
            assert (status, code) == (501, "NotImplemented") or code in ("AccessControlListNotSupported", "InvalidStorageClass"), (operation, name, answer)
            assert code != "NotImplemented" or name in message.lower(), (operation, name, message)
        kept(operation)
    assert raw("HEAD", "/made-by-mistake")[0] == 404


def test_conditions_of_writes(raw, bucket, kept):
    path = f"/{bucket}/{KEY}"
    for method, headers, named in (
        ("DELETE", {"x-amz-if-match-size": "1"}, "x-amz-if-match-size"),
        ("DELETE", {"x-amz-if-match-last-modified-time": "Sun, 06 Nov 1994 08:49:37 GMT"}, "x-amz-if-match-last-modified-time"),
        ("DELETE", {"if-none-match": "*"}, "if-none-match"), ("DELETE", {"if-unmodified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}, "if-unmodified-since"),
        ("PUT", {"if-none-match": '"0123"'}, "if-none-match"), ("PUT", {"if-none-match": "*", "if-match": "*"}, "multiple conditional request headers"),
        ("PUT", {"if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}, "if-modified-since"), ("PUT", {"range": "bytes=0-1"}, "range"),
        ("PUT", {"content-range": "bytes 0-1/10"}, "content-range"),
    ):
        status, code, message = refusal(raw(method, path, headers))
        assert (status, code) == (501, "NotImplemented") and named in message.lower(), (method, headers, message)
    assert refusal(raw("DELETE", path, {"if-match": '"0123"'}))[:2] == (412, "PreconditionFailed")
    assert raw("DELETE", path, {"if-match": "*", "x-amz-expected-bucket-owner": "1" * 12})[0] == 403
    copy = {"x-amz-copy-source": path, "x-amz-source-expected-bucket-owner": "1" * 12}
    assert refusal(raw("PUT", f"/{bucket}/copied", copy))[:2] == (403, "AccessDenied")


def test_elements_that_are_not_read_are_refused_by_name(raw, bucket, kept):
    def delete(inner):
        body = f"<Delete>{inner}</Delete>".encode()
        return refusal(raw("POST", f"/{bucket}?delete", md5(body), body))

    for element, value in (("Size", len(BODY) + 1), ("LastModifiedTime", "Sun, 06 Nov 1994 08:49:37 GMT")):
        status, code, message = delete(f"<Object><Key>{KEY}</Key><{element}>{value}</{element}></Object>")
        assert (status, code) == (501, "NotImplemented") and element in message
    status, code, message = delete(f"<Object><Key>{KEY}</Key><OfTomorrow>1</OfTomorrow></Object>")
    assert (status, code) == (400, "MalformedXML") and "OfTomorrow" in message
    assert delete(f"<Object><Key>{KEY}</Key><Key>other</Key></Object>")[:2] == (400, "MalformedXML")
    assert delete("<Object><Key>ke<b>x</b>pt</Key></Object>")[:2] == (400, "MalformedXML")
    assert delete(f"<Object><Key>{KEY}</Key></Object><Quiet>perhaps</Quiet>")[:2] == (400, "MalformedXML")
    stale = f"<Delete><Object><Key>{KEY}</Key><ETag>&quot;0123&quot;</ETag></Object></Delete>".encode()
    status, body = raw("POST", f"/{bucket}?delete", md5(stale), stale)
    assert status == 200 and "PreconditionFailed" in body

    for inner, named in (("<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>", "Tags"), ("<Location><Name>z</Name></Location>", "Location"),
                         ("<Bucket><Type>Directory</Type></Bucket>", "Bucket")):
        status, code, message = refusal(raw("PUT", "/made-by-mistake", body=f"<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>".encode()))
        assert (status, code) == (501, "NotImplemented") and named in message
    assert raw("HEAD", "/made-by-mistake")[0] == 404
    assert raw("PUT", "/owned-by-its-owner", {"x-amz-object-ownership": "BucketOwnerEnforced"})[0] == 200

    _, body = raw("POST", f"/{bucket}/{KEY}?uploads")
    upload = XML.fromstring(body).findtext("{*}UploadId")
    completion = b'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"0"</ETag><ChecksumXXHASH64>AAAAAAAAAAA=</ChecksumXXHASH64></Part></CompleteMultipartUpload>'
    status, code, message = refusal(raw("POST", f"/{bucket}/{KEY}?uploadId={upload}", body=completion))
    assert (status, code) == (501, "NotImplemented") and "ChecksumXXHASH64" in message
    assert raw("DELETE", f"/{bucket}/{KEY}?uploadId={upload}")[0] == 204


def test_numbers_are_digits(raw, bucket, kept):
    for target in (f"/{bucket}?max-keys=%2B5", f"/{bucket}?uploads&max-uploads=%2B5", f"/{bucket}?list-type=2&max-keys=5.", "/?max-buckets=%2B1",
                   f"/{bucket}/{KEY}?partNumber=%2B1"):
        assert refusal(raw("GET", target))[:2] == (400, "InvalidArgument"), target
    for expiry, message in (("0", "604800"), ("+5", "should be a number"), ("-5", "non-negative"), ("604801", "less than a week"), ("1e3", "should be a number")):
        request = AWSRequest("GET", f"{raw.endpoint}/{bucket}/{KEY}", headers={})
        S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION, expires=expiry).add_auth(request)
        answer = raw.send("GET", request.url.removeprefix(raw.endpoint), {})
        status, code, text = refusal(answer)
        assert (status, code) == (400, "AuthorizationQueryParametersError") and message in text, (expiry, answer)


def test_the_log_says_what_was_refused(raw, bucket, kept, store):
    for method, target, headers, expected in (
        ("PUT", f"/{bucket}/{KEY}?tagging", {}, "parameter tagging"), ("DELETE", f"/{bucket}/{KEY}", {"x-amz-if-match-size": "1"}, "header x-amz-if-match-size"),
        ("PUT", f"/{bucket}/{KEY}?of%0Atomorrow", {}, "parameter of%0Atomorrow"),
    ):
        assert raw(method, target, headers)[0] == 501
        lines = [line for line in store.log().splitlines() if expected in line]
        assert lines and "s3.refused" in lines[-1] and "NotImplemented" in lines[-1], expected
