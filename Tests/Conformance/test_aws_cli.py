"""aws-cli with its default settings against a real store."""

import filecmp
import os
import pathlib
import subprocess
import sys
import urllib.request

import pytest

from programs import ACCESS_KEY, REGION, SECRET_KEY

MIB = 1 << 20
AWS = pathlib.Path(sys.executable).parent / "aws"


@pytest.fixture
def aws(store, folder):
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": store.endpoint, "AWS_MAX_ATTEMPTS": "1",
    }

    def run(*arguments, check=True):
        done = subprocess.run([AWS, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=300)
        assert not check or done.returncode == 0, f"aws {arguments}: {done.stdout}{done.stderr}"
        return done

    return run


def random_file(path, size):
    with open(path, "wb") as file:
        while size > 0:
            file.write(os.urandom(min(size, 8 * MIB)))
            size -= 8 * MIB
    return path


def test_every_size_comes_back_as_it_went(aws, folder, store):
    aws("s3", "mb", "s3://sizes")
    for name, size in {"empty": 0, "one": 1, "above-five": 5 * MIB + 1, "large": 300 * MIB}.items():
        sent = random_file(folder / name, 0 if size == 0 else size)
        assert os.path.getsize(sent) >= size
        os.truncate(sent, size)
        aws("s3", "cp", "--no-progress", sent, f"s3://sizes/folder/{name}")
        aws("s3", "cp", "--no-progress", f"s3://sizes/folder/{name}", folder / "back")
        assert filecmp.cmp(sent, folder / "back", shallow=False), name
    etag = store.client().head_object(Bucket="sizes", Key="folder/large")["ETag"]
    assert etag.endswith('-38"'), "300 MiB arrive as 38 parts of 8 MiB"

    listed = aws("s3", "ls", "--recursive", "s3://sizes").stdout.split()
    assert [word for word in listed if word.startswith("folder/")] == [
        "folder/above-five", "folder/empty", "folder/large", "folder/one"]
    assert "PRE folder/" in aws("s3", "ls", "s3://sizes").stdout

    aws("s3", "cp", "s3://sizes/folder/large", "s3://sizes/copied/large")
    aws("s3", "cp", "--no-progress", "s3://sizes/copied/large", folder / "back")
    assert filecmp.cmp(folder / "large", folder / "back", shallow=False)

    url = aws("s3", "presign", "s3://sizes/folder/above-five").stdout.strip()
    assert urllib.request.urlopen(url).read() == (folder / "above-five").read_bytes()

    assert "BucketNotEmpty" in aws("s3", "rb", "s3://sizes", check=False).stderr
    aws("s3", "rm", "--recursive", "s3://sizes")
    assert aws("s3", "ls", "--recursive", "s3://sizes", check=False).stdout == ""
    aws("s3", "rb", "s3://sizes")
    assert "sizes" not in aws("s3", "ls").stdout


def test_sync_copies_what_changed_and_streams_go_both_ways(aws, bucket, folder):
    tree = folder / "tree"
    (tree / "a").mkdir(parents=True)
    for name in ("one", "a/two", "a/ünï cödé+%&.txt"):
        (tree / name).write_text(name)
    first = aws("s3", "sync", tree, f"s3://{bucket}/tree").stdout
    assert first.count("upload:") == 3
    assert aws("s3", "sync", tree, f"s3://{bucket}/tree").stdout.strip() == ""
    (tree / "one").write_text("changed now")
    assert aws("s3", "sync", tree, f"s3://{bucket}/tree").stdout.count("upload:") == 1
    aws("s3", "sync", f"s3://{bucket}/tree", folder / "back")
    assert not filecmp.dircmp(tree, folder / "back").diff_files
    assert (folder / "back/a/ünï cödé+%&.txt").read_text() == "a/ünï cödé+%&.txt"
    assert aws("s3", "cp", f"s3://{bucket}/tree/a/two", "-").stdout == "a/two"


def test_answers_name_what_is_wrong(aws, bucket):
    assert "(404)" in aws("s3api", "head-object", "--bucket", bucket, "--key", "absent", check=False).stderr
    assert "NoSuchKey" in aws("s3api", "get-object", "--bucket", bucket, "--key", "absent", "/dev/null", check=False).stderr
    assert "NoSuchBucket" in aws("s3", "ls", "s3://never-made", check=False).stderr
