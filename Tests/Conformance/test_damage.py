"""A damaged store never starts as if nothing had happened: 30 injuries to the directory of a store that was killed."""

import hashlib
import os
import random
import shutil
import subprocess

import pytest

from programs import PROGRAMS, Store

SIZES = [100, 3000, 40_000, 9, 300_000, 20_000]
SEED = int(os.environ.get("LODESTORE_TEST_SEED", random.SystemRandom().randrange(2**32)))


def lodestore(*arguments):
    return subprocess.run([PROGRAMS / "lodestore", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def state(directory):
    """Every name with the digest of its bytes."""
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for path in sorted(directory.rglob("*"))}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The directory of a store that was killed, half of its objects in tables, and what it had acknowledged."""
    folder = tmp_path_factory.mktemp("killed")
    store = Store(folder / "store").start()
    bodies = {}
    for half in range(2):
        s3 = store.client()
        if half == 0:
            s3.create_bucket(Bucket="models")
        for number in range(20):
            body = random.Random(half * 100 + number).randbytes(SIZES[number % len(SIZES)])
            s3.put_object(Bucket="models", Key=f"{half}/{number:02}", Body=body)
            bodies[f"{half}/{number:02}"] = body
        if half == 0:
            assert store.stop() == 0
            store.start()
    store.kill()
    return store.data, bodies


def injure(path, generator):
    """Answers what was done."""
    size = path.stat().st_size
    kind = generator.choice(["flip"] * 6 + ["cut"] * 3 + ["delete"])
    if kind == "delete" or size == 0:
        path.unlink()
        return "delete"
    place = generator.randrange(size)
    if kind == "cut":
        os.truncate(path, place)
        return f"cut {place}"
    bit = generator.randrange(8)
    with open(path, "r+b") as file:
        file.seek(place)
        old = file.read(1)[0]
        file.seek(place)
        file.write(bytes([old ^ 1 << bit]))
    return f"flip {place} {bit}"


def starts(data, folder):
    """A store on the directory, or None and what it said when it refused."""
    store = Store(folder)
    store.data = data
    store.start(wait=False)
    try:
        while store.process.poll() is None and not (store.folder / "lodestore.out").read_text().startswith("lodestore ready"):
            try:
                store.process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
    except BaseException:
        store.kill()
        raise
    if store.process.poll() is None:
        return store, ""
    assert store.process.returncode == 1, store.log()
    return None, store.log()


@pytest.mark.parametrize("number", range(30))
def test_an_injury_ends_in_an_exact_answer_or_names_the_file(killed, folder, number):
    data, bodies = killed
    print(f"seed {SEED}")
    generator = random.Random(SEED + number)
    kinds = {}
    for path in sorted(path for path in data.rglob("*") if path.is_file() and path.name != "LOCK"):
        kinds.setdefault(path.suffix or path.name.split("-")[0], []).append(path)
    # Every kind of file in turn.
    chosen = generator.choice(kinds[sorted(kinds)[number % len(kinds)]]).relative_to(data)
    copy = folder / "data"
    shutil.copytree(data, copy)
    what = f"{chosen}: {injure(copy / chosen, generator)}"
    before = state(copy)
    store, said = starts(copy, folder / "run")
    if store is None:
        assert chosen.name in said, f"{what}: {said}"
        assert state(copy) == before, f"{what}: a refused start changed the directory"
        checked = lodestore("check", "--data", copy)
        assert checked.returncode == 1 and chosen.name in checked.stdout, f"{what}: {checked.stdout}{checked.stderr}"
        assert state(copy) == before, f"{what}: the check changed the directory"
        salvaged = lodestore("salvage", "--data", copy, "--to", folder / "saved")
        assert state(copy) == before, f"{what}: the salvage changed its source"
        assert salvaged.returncode == 1 and chosen.name in salvaged.stdout + salvaged.stderr, f"{what}: {salvaged}"
        return
    try:
        s3 = store.client(retries={"max_attempts": 0})
        missing, unreadable = [], []
        for key, body in bodies.items():
            try:
                assert s3.get_object(Bucket="models", Key=key)["Body"].read() == body, f"{what}: {key}"
                assert not missing, f"{what}: {key} is there, and {missing}, written before it, are not"
            except s3.exceptions.NoSuchKey:
                missing.append(key)
            except (s3.exceptions.ClientError, Exception) as error:
                if isinstance(error, AssertionError):
                    raise
                unreadable.append(key)
        assert not missing or (chosen.suffix == ".log" and "cut" in what), f"{what}: {missing} are gone and nobody was told"
    finally:
        assert store.stop() == 0
    if unreadable:
        checked = lodestore("check", "--data", copy)
        assert checked.returncode == 1 and chosen.name in checked.stdout, f"{what}: {checked.stdout}{checked.stderr}"


def test_a_flipped_bit_in_the_middle_of_the_log_is_told_and_salvaged(killed, folder):
    data, bodies = killed
    copy = folder / "data"
    shutil.copytree(data, copy)
    log = max((copy / "rocksdb").glob("*.log"), key=lambda path: path.stat().st_size)
    with open(log, "r+b") as file:
        file.seek(log.stat().st_size // 3)
        old = file.read(1)[0]
        file.seek(log.stat().st_size // 3)
        file.write(bytes([old ^ 4]))
    store, said = starts(copy, folder / "run")
    assert store is None and log.name in said and "byte" in said
    assert "lodestore check" in said and "lodestore salvage" in said and "\\n" not in said
    salvaged = lodestore("salvage", "--data", copy, "--to", folder / "saved")
    assert salvaged.returncode == 1, salvaged
    store, said = starts(folder / "saved", folder / "again")
    assert store is not None, said
    try:
        s3 = store.client()
        found = {item["Key"] for item in s3.list_objects_v2(Bucket="models")["Contents"]}
        for key in found:
            assert s3.get_object(Bucket="models", Key=key)["Body"].read() == bodies[key]
        # One damaged record costs the write or two that it held.
        assert len(bodies) - len(found) <= 4, salvaged.stdout
    finally:
        assert store.stop() == 0
    checked = lodestore("check", "--data", folder / "saved")
    assert checked.returncode == 0, checked.stdout


def test_a_sound_store_is_salvaged_without_loss(killed, folder):
    data, bodies = killed
    copy = folder / "data"
    shutil.copytree(data, copy)
    before = state(copy)
    checked = lodestore("check", "--data", copy)
    assert checked.returncode == 0 and "problems=0" in checked.stdout, checked
    salvaged = lodestore("salvage", "--data", copy, "--to", folder / "saved")
    assert salvaged.returncode == 0 and f"objects={len(bodies)}" in salvaged.stdout and "losses=0" in salvaged.stdout, salvaged
    assert state(copy) == before
    again = lodestore("salvage", "--data", copy, "--to", folder / "saved")
    assert again.returncode == 1 and "not empty" in again.stderr
    checked = lodestore("check", "--data", folder / "saved")
    assert checked.returncode == 0, checked


def test_a_missing_log_is_told(killed, folder):
    data, _ = killed
    copy = folder / "data"
    shutil.copytree(data, copy)
    log = max((copy / "rocksdb").glob("*.log"), key=lambda path: path.stat().st_size)
    log.unlink()
    store, said = starts(copy, folder / "run")
    assert store is None and f"{log.name}: missing" in said, said
