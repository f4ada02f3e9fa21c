"""ONNX graphs that are not translated: run by ONNX Runtime where the operator allows its library, else refused with a reason."""

import csv
import io
import json
import os
import pathlib
import subprocess
import tarfile

import pytest

from goldens import MODELS, values, worst_difference
from programs import PROGRAMS, READY_SECONDS, Executor, Sidecar, Store, free_port, wait_until
from test_serving import failed_reason

GRAPHS = MODELS.parent / "Vectors" / "Graphs"
LIBRARY = os.environ.get("LODESTORE_ONNX_RUNTIME")
NAMES = ["convolution", "attention", "two-towers", "recurrent", "doubles"]

pytestmark = pytest.mark.skipif(not LIBRARY, reason="LODESTORE_ONNX_RUNTIME is not set: it is the path of libonnxruntime.so")


class Golden:
    """The rows of a graph as request lines, and what ONNX Runtime answers, row by row."""

    def __init__(self, name):
        header, *rows = list(csv.reader(io.StringIO((GRAPHS / name / "golden.csv").read_text())))
        width = header.index("prediction")
        self.lines = [",".join(row[:width]) for row in rows]
        self.features = [[float(field) for field in row[:width]] for row in rows]
        self.answers = [[float(field) for field in row[width:]] for row in rows]
        self.expected = [value for row in self.answers for value in row]

    def close(self, answered):
        return worst_difference(answered, self.expected) <= 1e-4 * max(1, *(abs(value) for value in self.expected))


class GraphHouse:
    """Store, executor and sidecar, each of the last two with or without the library."""

    def __init__(self, folder, executor=True, sidecar=True):
        flags = ["--onnx-runtime", LIBRARY]
        self.store = Store(folder / "store").start()
        self.s3 = self.store.client()
        self.s3.create_bucket(Bucket="models")
        self.executor = Executor(folder / "executor", *(flags if executor else [])).start()
        self.sidecar = Sidecar(
            folder / "sidecar", self.store.endpoint, "models", [self.executor], *(flags if sidecar else [])).start()

    def push(self, key, body):
        self.s3.put_object(Bucket="models", Key=key, Body=body)

    def stop(self):
        for program in (self.sidecar, self.executor, self.store):
            assert program.stop() in (0, None)


@pytest.fixture
def make_house(folder):
    houses = []

    def make(**flags):
        houses.append(GraphHouse(folder, **flags))
        return houses[-1]

    yield make
    for house in houses:
        house.stop()


def test_graphs_answer_their_golden_rows(make_house):
    house = make_house()
    for name in NAMES:
        house.push(f"{name}/model.onnx", (GRAPHS / name / "model.onnx").read_bytes())
    for name in NAMES:
        wait_until(f"{name} is live", lambda: house.executor.predict("", model=name)[0] not in (404, 503))
        golden = Golden(name)
        status, headers, text = house.executor.predict("\n".join(golden.lines), model=name)
        assert status == 200 and headers["x-lodestore-model"] == name, text
        assert golden.close(values(text)), name
        singles = []
        for line in golden.lines[:10]:
            status, _, text = house.executor.predict(line, model=name)
            assert status == 200, text
            singles += values(text)
        assert worst_difference(singles, golden.expected[:len(singles)]) <= 1e-4 * max(1, *map(abs, singles))
        status, _, text = house.executor.predict(
            json.dumps({"instances": golden.features}), "application/json", model=name, accept="application/json")
        assert status == 200, text
        answered = json.loads(text)["predictions"]
        assert golden.close([v for row in answered for v in (row if isinstance(row, list) else [row])]), name
    # What a row's own numbers forbid is its client's fault, and nobody else's.
    status, _, text = house.executor.predict("0,0,99,0,0,0,0,0", model="two-towers")
    assert status == 400 and "does not take these rows" in text
    status, _, text = house.executor.predict(Golden("two-towers").lines[0], model="two-towers")
    assert status == 200, text


def test_graphs_swap_with_each_other_and_with_native_models(make_house):
    house = make_house()
    native = (MODELS.parent / "Vectors" / "Models" / "onnx-mlp" / "model.onnx").read_bytes()
    rows = ",".join(["0.5"] * 24)
    house.push("m/model.onnx", (GRAPHS / "convolution" / "model.onnx").read_bytes())
    wait_until("the graph is live", lambda: house.executor.predict(rows, model="m")[0] == 200)
    first = house.executor.live_version("m")
    house.push("m/model.onnx", native)
    wait_until("the network is live", lambda: house.executor.live_version("m") not in (None, first))
    assert house.executor.predict(",".join(["0.5"] * 11), model="m")[0] == 200
    second = house.executor.live_version("m")
    house.push("m/model.onnx", (GRAPHS / "convolution" / "model.onnx").read_bytes())
    wait_until("the graph is live again", lambda: house.executor.live_version("m") not in (None, second))
    assert house.executor.predict(rows, model="m")[0] == 200


def test_an_executor_without_the_library_refuses_and_swaps_nothing(make_house):
    house = make_house(executor=False)
    house.push("m/model.onnx", (MODELS.parent / "Vectors" / "Models" / "onnx-mlp" / "model.onnx").read_bytes())
    rows = ",".join(["0.5"] * 11)
    wait_until("the network is live", lambda: house.executor.predict(rows, model="m")[0] == 200)
    version, before = house.executor.live_version("m"), house.executor.predict(rows, model="m")[2]
    house.push("m/model.onnx", (GRAPHS / "convolution" / "model.onnx").read_bytes())
    house.push("only/model.onnx", (GRAPHS / "convolution" / "model.onnx").read_bytes())
    for model in ("m", "only"):
        reason = wait_until(f"{model} failed", lambda: failed_reason(house, model))
        assert "only ONNX Runtime runs" in reason and "--onnx-runtime" in reason, reason
    assert house.executor.live_version("m") == version
    assert house.executor.predict(rows, model="m")[2] == before
    assert house.executor.predict("1", model="only")[0] == 404


def test_a_sidecar_without_the_library_names_the_operator_and_the_flag(make_house):
    house = make_house(sidecar=False)
    house.push("m/model.onnx", (GRAPHS / "convolution" / "model.onnx").read_bytes())
    reason = wait_until("it failed", lambda: failed_reason(house, "m"))
    assert "operator Conv" in reason and "--onnx-runtime" in reason, reason
    assert house.executor.ping() == 503
    # The same key with the flag: the sidecar that is started anew looks again.
    assert house.sidecar.stop() == 0
    house.sidecar.flags = ["--onnx-runtime", LIBRARY]
    house.sidecar.start()
    wait_until("the graph is live", lambda: house.executor.ping() == 200)


def test_hostile_graphs_fail_with_a_reason_and_change_nothing(make_house):
    house = make_house()
    good = (GRAPHS / "convolution" / "model.onnx").read_bytes()
    rows = ",".join(["0.5"] * 24)
    house.push("m/model.onnx", good)
    wait_until("the good graph is live", lambda: house.executor.predict(rows, model="m")[0] == 200)
    version, before = house.executor.live_version("m"), house.executor.predict(rows, model="m")[2]
    cases = {path.stem: path.read_bytes() for path in sorted((GRAPHS / "refused").glob("*.onnx"))}
    # Only golden rows tell these two from sound graphs.
    for name in ("mixing", "rows-lost"):
        buffer = io.BytesIO()
        golden = "x,prediction\n1,1\n2,2\n" if name == "mixing" else "a,b,prediction\n1,1,1\n"
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for member, content in (("model.onnx", cases.pop(name)), ("golden.csv", golden.encode())):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        cases[f"{name}.tar.gz"] = buffer.getvalue()
    cases["cut"] = good[:len(good) // 2]
    assert len(cases) >= 11
    for name, content in cases.items():
        file = "model.tar.gz" if name.endswith(".tar.gz") else "model.onnx"
        house.push(f"bad-{name.removesuffix('.tar.gz')}/{file}", content)
    for name in cases:
        assert wait_until(f"{name} failed", lambda: failed_reason(house, f"bad-{name.removesuffix('.tar.gz')}"))
    house.push("m/model.onnx", cases["unknown-operator"])
    reason = wait_until("the bad graph failed over the live one", lambda: failed_reason(house, "m"))
    assert "nowhere" in reason, reason
    assert house.executor.live_version("m") == version and house.executor.predict(rows, model="m")[2] == before
    assert house.sidecar.is_running() and house.executor.is_running()


def test_what_is_compiled_with_the_library_is_scored_with_it(folder):
    image, rows = folder / "image", folder / "rows.csv"
    golden = Golden("attention")
    rows.write_text("\n".join(golden.lines) + "\n")
    model = GRAPHS / "attention" / "model.onnx"
    compiled = subprocess.run([PROGRAMS / "lodestore-sidecar", "compile", model, "-o", image], capture_output=True, text=True)
    assert compiled.returncode == 1 and "--onnx-runtime" in compiled.stderr and not image.exists(), compiled.stderr
    subprocess.run([PROGRAMS / "lodestore-sidecar", "compile", model, "-o", image, "--onnx-runtime", LIBRARY], check=True)
    scored = subprocess.run([PROGRAMS / "lodestore-executor", "score", image, rows], capture_output=True, text=True)
    assert scored.returncode == 1 and "only ONNX Runtime runs" in scored.stderr, scored.stderr
    scored = subprocess.run(
        [PROGRAMS / "lodestore-executor", "score", image, rows, "--onnx-runtime", LIBRARY], capture_output=True, text=True)
    assert scored.returncode == 0, scored.stderr
    assert golden.close(values(scored.stdout))


@pytest.mark.parametrize("wrong, said", [
    ("/nowhere/libonnxruntime.so", "cannot be loaded"), (str(pathlib.Path(__file__)), "invalid ELF header"),
    ("/lib/x86_64-linux-gnu/libm.so.6", "has no OrtGetApiBase"),
], ids=["missing", "text", "libm"])
def test_a_path_to_no_library_is_a_wrong_setting(folder, wrong, said):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    commands = [
        ["lodestore-executor", "serve", "--listen", f"127.0.0.1:{free_port()}", "--control", folder / "c.sock"],
        ["lodestore-sidecar", "run", "--endpoint", "http://127.0.0.1:1", "--bucket", "models", "--cache", folder / "cache",
         "--executor", folder / "c.sock"],
        ["lodestore-sidecar", "compile", GRAPHS / "attention" / "model.onnx", "-o", folder / "image"],
        ["lodestore-executor", "score", GRAPHS / "attention" / "model.onnx", GRAPHS / "attention" / "golden.csv"],
    ]
    for program, *arguments in commands:
        done = subprocess.run([PROGRAMS / program, *arguments, "--onnx-runtime", wrong], env=environment, capture_output=True,
                              text=True, timeout=READY_SECONDS)
        assert done.returncode == 78, (program, done.stderr)
        assert "onnx-runtime is" in done.stderr and wrong in done.stderr and said in done.stderr, done.stderr
