"""Models are swapped, and processes die, under constant load: no request fails, every answer is of one version."""

import hashlib

import pytest

from goldens import MODELS, Golden
from load import Load
from programs import Executor, House, Sidecar, wait_until

VERSIONS = [MODELS / "click-v1", MODELS / "click-v2"]
ROWS = 20


def etag(artifact):
    return hashlib.md5(artifact.read_bytes()).hexdigest()


@pytest.fixture
def two_versions():
    """[(artifact, version, expected predictions)] for the same request body, and that body."""
    goldens = [Golden(folder / "golden.csv") for folder in VERSIONS]
    assert goldens[0].lines == goldens[1].lines, "both versions are asked the same rows"
    assert goldens[0].expected(0, ROWS) != goldens[1].expected(0, ROWS)
    versions = [(folder / "model.tar.gz", etag(folder / "model.tar.gz"), golden.expected(0, ROWS))
                for folder, golden in zip(VERSIONS, goldens)]
    return versions, goldens[0].body(0, ROWS)


def push_and_wait(house, model, artifact, version):
    house.push(model, artifact)
    wait_until(f"version {version} is live", lambda: house.executor.live_version(model) == version)


def test_a_hundred_swaps_under_load(house, two_versions):
    versions, body = two_versions
    push_and_wait(house, "click", versions[0][0], versions[0][1])
    with Load(house.executor, "click", body, {v: e for _, v, e in versions}) as load:
        residents = []
        for number in range(1, 101):
            artifact, version, _ = versions[number % 2]
            push_and_wait(house, "click", artifact, version)
            if number in (20, 100):
                residents.append([p.resident_bytes() for p in (house.executor, house.sidecar)])
    assert load.failures == []
    assert all(load.versions[version] > 100 for _, version, _ in versions), load.versions
    for early, late in zip(*residents):
        assert late <= early * 1.25 + (16 << 20), f"memory grew over 80 swaps: {residents}"


def test_the_same_bytes_pushed_again_are_no_swap(house, two_versions):
    (artifact, version, _), _ = two_versions[0]
    push_and_wait(house, "click", artifact, version)
    swaps = house.executor.log().count("model live")
    assert swaps == 1
    house.push("click", artifact)
    house.push("other", artifact)
    wait_until("a later push is live", lambda: house.executor.live_version("other") == version)
    assert house.executor.log().count("model live") == 2, "one for each model and none for the repeat"


def test_the_store_dies_and_the_others_go_on(house, two_versions):
    versions, body = two_versions
    push_and_wait(house, "click", *versions[0][:2])
    with Load(house.executor, "click", body, {v: e for _, v, e in versions}) as load:
        house.store.kill()
        served = load.versions[versions[0][1]]
        wait_until("requests are served without the store", lambda: load.versions[versions[0][1]] > served + 200)
        house.store.start()
        push_and_wait(house, "click", *versions[1][:2])
    assert load.failures == []
    assert house.sidecar.is_running()


def test_the_sidecar_dies_and_adopts_what_is_live(house, two_versions):
    versions, body = two_versions
    push_and_wait(house, "click", *versions[0][:2])
    with Load(house.executor, "click", body, {v: e for _, v, e in versions}) as load:
        house.sidecar.kill()
        served = load.versions[versions[0][1]]
        wait_until("requests are served without the sidecar", lambda: load.versions[versions[0][1]] > served + 200)
        swaps = house.executor.log().count("model live")
        house.sidecar.start()
        push_and_wait(house, "click", *versions[1][:2])
    assert load.failures == []
    assert house.executor.log().count("model live") == swaps + 1, "the restart itself was no swap"


def test_the_executor_dies_and_serves_again_without_the_store(house, two_versions):
    versions, _ = two_versions
    push_and_wait(house, "click", *versions[0][:2])
    house.store.kill()
    house.executor.kill()
    house.executor.start()
    wait_until("the live model is handed again", lambda: house.executor.live_version("click") == versions[0][1])
    house.sidecar.kill()
    house.executor.kill()
    house.executor.start()
    house.sidecar.start(wait=False)
    wait_until("the cache alone brings the model back", lambda: house.executor.live_version("click") == versions[0][1])
    house.store.start()
    push_and_wait(house, "click", *versions[1][:2])


def test_one_sidecar_feeds_several_executors(house, folder, two_versions):
    versions, _ = two_versions
    second = Executor(folder / "second").start()
    house.sidecar.stop()
    house.sidecar = Sidecar(folder / "both", house.store.endpoint, "models", [house.executor, second]).start()
    push_and_wait(house, "click", *versions[0][:2])
    wait_until("the second executor has it too", lambda: second.live_version("click") == versions[0][1])
    assert second.stop() == 0


def test_stopping_the_executor_fails_no_request_in_flight(house, two_versions):
    versions, body = two_versions
    push_and_wait(house, "click", *versions[0][:2])
    with Load(house.executor, "click", body, {versions[0][1]: versions[0][2]}) as load:
        wait_until("load runs", lambda: load.versions[versions[0][1]] > 100)
        load.stopping.set()
        [thread.join() for thread in load.threads]
        assert house.executor.stop() == 0
    assert load.failures == []
