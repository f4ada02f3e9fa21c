"""The Open Inference Protocol as its own clients speak it: tritonclient by HTTP and gRPC, and `mlserver infer`."""

import contextlib
import io
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile

import grpc as grpc_library
import numpy
import pytest
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

from goldens import MODELS, Golden
from programs import PROGRAMS, House, free_port, wait_until

MODEL, OTHER = "click-v1", "click-ubj"
# A classifier that names its classes.
CLASSES, LABELS = "classes", ["high", "low", "middle"]
# MODEL in a bundle with encoders.
ENCODED = "encoded"
ENCODERS = {
    "site": {"categories": {"example.org": 321, "weiß.example": 57, "": 14}, "unknown": 99},
    "device_type": ["desktop", "phone", "tablet"],
}


def artifact(name):
    return next(p for p in sorted((MODELS / name).iterdir()) if p.name not in ("golden.csv", "README.md"))


def bundle(name, **members):
    """A tar of the model and further members by their name before `.json`."""
    model = artifact(name)
    if tarfile.is_tarfile(model):
        with tarfile.open(model) as packed:
            content = packed.extractfile(next(m for m in packed if m.isfile())).read()
    else:
        content = model.read_bytes()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        for file, body in [("xgboost-model", content)] + [(f"{k}.json", json.dumps(v).encode()) for k, v in members.items()]:
            entry = tarfile.TarInfo(file)
            entry.size = len(body)
            packed.addfile(entry, io.BytesIO(body))
    return made.getvalue()


def feature_names(name):
    header = next(line for line in (MODELS / name / "golden.csv").read_text().splitlines() if line[0] != "#")
    return header.split(",")[:14]


@pytest.fixture(scope="module")
def served():
    """Store, sidecar and executor with four models live; one for all tests here."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lode-"))
    port = free_port()
    path = folder / "grpc.sock"
    house = House(folder, "--grpc-listen", f"127.0.0.1:{port}", "--grpc-socket", path, "--max-rows", "2000")
    house.grpc_port, house.grpc_path = port, path
    try:
        for name in (MODEL, OTHER):
            house.push(name, artifact(name), artifact(name).name)
            wait_until(f"{name} is live", lambda: house.executor.live_version(name))
        house.push(CLASSES, MODELS.parent / "Vectors/Models/onnx-sk-tree/model.onnx", "model.onnx")
        wait_until("the classifier is live", lambda: house.executor.live_version(CLASSES))
        (folder / "encoded.tar").write_bytes(
            bundle(MODEL, encoders={"version": 1, "features": feature_names(MODEL), "encoders": ENCODERS}))
        house.push(ENCODED, folder / "encoded.tar", "model.tar")
        wait_until("the model with encoders is live", lambda: house.executor.live_version(ENCODED))
        yield house
        assert house.executor.is_running(), house.executor.log()[-4000:]
    finally:
        house.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["http", "grpc", "grpc-unix"])
def client(request, served):
    """(module, client): they have the same calls."""
    module, address = {
        "http": (http, f"127.0.0.1:{served.executor.port}"),
        "grpc": (grpc, f"127.0.0.1:{served.grpc_port}"),
        "grpc-unix": (grpc, f"unix:{served.grpc_path}"),
    }[request.param]
    with module.InferenceServerClient(address) as connected:
        yield module, connected


def golden_rows(name):
    golden = Golden(MODELS / name / "golden.csv")
    rows = numpy.array([[numpy.nan if v is None else v for v in row] for row in golden.features], dtype=numpy.float32)
    return rows, numpy.array(golden.probabilities)


def tensor(module, array, name="input", datatype=None, binary=True):
    made = module.InferInput(name, list(array.shape), datatype or {"float32": "FP32", "float64": "FP64"}[str(array.dtype)])
    return made.set_data_from_numpy(array, binary_data=binary) if module is http else made.set_data_from_numpy(array)


def as_dict(module, answer):
    """Messages as the dictionaries that the HTTP client answers."""
    if module is http:
        return answer
    from google.protobuf.json_format import MessageToDict
    return MessageToDict(answer, preserving_proto_field_name=True)


def refused(call):
    with pytest.raises(InferenceServerException) as caught:
        call()
    return caught.value.message(), str(caught.value.status())


def test_health_and_metadata(served, client):
    module, connected = client
    assert connected.is_server_live() and connected.is_server_ready()
    assert connected.is_model_ready(MODEL) and not connected.is_model_ready("none")
    server = as_dict(module, connected.get_server_metadata())
    assert server["name"] == "lodestore" and "statistics" in server["extensions"]
    version = served.executor.live_version(MODEL)
    assert connected.is_model_ready(MODEL, model_version=version) and not connected.is_model_ready(MODEL, model_version="0")
    model = as_dict(module, connected.get_model_metadata(MODEL))
    assert model["name"] == MODEL and model["versions"] == [version] and model["platform"].startswith("lodestore_xgboost")
    assert [int(size) for size in model["inputs"][0]["shape"]] == [-1, 14] and model["inputs"][0]["datatype"] == "FP32"
    assert model["outputs"][0]["name"] == "predict"
    config = as_dict(module, connected.get_model_config(MODEL))
    config = config.get("config", config)
    assert config["backend"] == "lodestore" and config["input"][0]["data_type"] == "TYPE_FP32"


@pytest.mark.parametrize("name", [MODEL, OTHER])
def test_golden_rows(client, name):
    module, connected = client
    rows, expected = golden_rows(name)
    for array in (rows, rows.astype(numpy.float64), rows[:1], rows[0]):
        result = connected.infer(name, [tensor(module, array)], request_id="q1")
        answered = result.as_numpy("predict")
        assert answered.shape == (len(array) if array.ndim == 2 else 1,) and answered.dtype == numpy.float32
        assert numpy.abs(answered - expected[:len(answered)]).max() <= 1e-6
        answer = as_dict(module, result.get_response())
        assert answer["id"] == "q1" and answer["model_name"] == name and answer["model_version"]


@pytest.mark.parametrize("binary_in", [False, True])
@pytest.mark.parametrize("binary_out", [False, True])
def test_json_and_binary_tensors_say_the_same(served, binary_in, binary_out):
    rows, expected = golden_rows(MODEL)
    with http.InferenceServerClient(f"127.0.0.1:{served.executor.port}") as connected:
        result = connected.infer(MODEL, [tensor(http, rows, binary=binary_in)],
                                 outputs=[http.InferRequestedOutput("predict", binary_data=binary_out)])
        assert ("data" in result.get_output("predict")) != binary_out
        assert numpy.abs(result.as_numpy("predict") - expected).max() <= 1e-6


def test_a_tensor_for_each_feature(served, client):
    module, connected = client
    rows, expected = golden_rows(MODEL)
    names = feature_names(MODEL)
    try:
        connected.infer(MODEL, [tensor(module, rows[:, i].reshape(-1, 1), name) for i, name in enumerate(names)])
    except InferenceServerException as error:
        # The artifact may not name its features; then they are numbered.
        assert "no feature" in error.message()
        names = [f"f{i}" for i in range(14)]
    inputs = [tensor(module, rows[:, i].astype("float64").reshape(-1, 1) if i % 2 else rows[:, i].copy(), name)
              for i, name in enumerate(names)]
    answered = connected.infer(MODEL, inputs[::-1]).as_numpy("predict")
    assert numpy.abs(answered - expected).max() <= 1e-6
    text, _ = refused(lambda: connected.infer(MODEL, inputs[1:]))
    assert text.startswith("inputs: there are 13")


@pytest.mark.parametrize("binary", [False, True])
def test_texts_of_encoded_features(client, binary):
    """A text is what the bundle's encoder says, so that the model answers as it does to the numbers."""
    module, connected = client
    names = feature_names(MODEL)
    rows = golden_rows(MODEL)[0][:6]
    sites = ["example.org", "weiß.example", "", "never seen", "example.org ", "example.org"]
    devices = ["desktop", "phone", "tablet", "phone", "toaster", "desktop"]
    rows[:, names.index("site")] = [321, 57, 14, 99, 99, 321]
    rows[:, names.index("device_type")] = [0, 1, 2, 1, numpy.nan, 0]
    expected = connected.infer(MODEL, [tensor(module, rows)]).as_numpy("predict")

    def inputs(**texts):
        texts = {"site": sites, "device_type": devices, **texts}
        for index, name in enumerate(names):
            if name in texts:
                yield tensor(module, numpy.array(texts[name], dtype=object), name, "BYTES", binary)
            else:
                yield tensor(module, rows[:, index].copy(), name, binary=binary)

    answered = connected.infer(ENCODED, list(inputs())).as_numpy("predict")
    assert (answered == expected).all()
    assert (connected.infer(ENCODED, [tensor(module, rows)]).as_numpy("predict") == expected).all()
    text, status = refused(lambda: connected.infer(ENCODED, list(inputs(region=["x"] * 6))))
    assert f'inputs[{names.index("region")}].datatype: BYTES: feature "region" takes numbers' in text
    assert status == ("400" if module is http else "StatusCode.INVALID_ARGUMENT")


def test_texts_in_typed_contents(served):
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    names = feature_names(MODEL)
    rows = golden_rows(MODEL)[0][:2]
    rows[:, names.index("site")] = [57, 99]
    message = service_pb2.ModelInferRequest(model_name=ENCODED)
    for index, name in enumerate(names):
        if name == "site":
            message.inputs.add(name=name, datatype="BYTES", shape=[2]).contents.bytes_contents.extend(
                ["weiß.example".encode(), b"\xff"])
        else:
            message.inputs.add(name=name, datatype="FP32", shape=[2]).contents.fp32_contents.extend(rows[:, index].tolist())
    with grpc_library.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(message)
    with grpc.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as connected:
        expected = connected.infer(MODEL, [tensor(grpc, rows)]).as_numpy("predict")
    assert list(answer.outputs[0].contents.fp32_contents) == expected.tolist()


@pytest.mark.parametrize("binary", [False, True])
def test_the_best_classes(client, binary):
    module, connected = client
    rows = numpy.random.default_rng(7).normal(size=(40, 6)).astype(numpy.float32)
    scores = connected.infer(CLASSES, [tensor(module, rows)]).as_numpy("predict")
    assert scores.shape == (40, 3) and len({row.argmax() for row in scores}) > 1
    options = {"binary_data": binary} if module is http else {}
    for count in (1, 2, 9):
        wanted = [module.InferRequestedOutput("predict", class_count=count, **options)]
        answered = connected.infer(CLASSES, [tensor(module, rows)], outputs=wanted).as_numpy("predict")
        assert answered.shape == (40, min(count, 3))
        for row, texts in zip(scores, answered):
            order = numpy.argsort(-row, kind="stable")[:count]
            for index, text in zip(order, texts):
                score, number, label = (text if isinstance(text, str) else text.decode()).split(":")
                assert numpy.float32(score) == row[index] and int(number) == index and label == LABELS[index]
    # A model that names no classes answers by their numbers alone.
    rows, _ = golden_rows(MODEL)
    wanted = [module.InferRequestedOutput("predict", class_count=1, **options)]
    answered = connected.infer(MODEL, [tensor(module, rows)], outputs=wanted).as_numpy("predict").flatten()
    scores = connected.infer(MODEL, [tensor(module, rows)]).as_numpy("predict")
    for score, text in zip(scores, answered):
        text = text if isinstance(text, str) else text.decode()
        assert numpy.float32(text.split(":")[0]) == score and text.endswith(":0")


def test_deadlines(served):
    rows, _ = golden_rows(MODEL)
    with http.InferenceServerClient(f"127.0.0.1:{served.executor.port}") as connected:
        late = {"x-lodestore-deadline-ms": "0"}
        _, status = refused(lambda: connected.infer(MODEL, [tensor(http, rows)], headers=late))
        assert status == "504"
        assert connected.infer(MODEL, [tensor(http, rows)], headers={"x-lodestore-deadline-ms": "60000"})
    with grpc.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as connected:
        assert connected.infer(MODEL, [tensor(grpc, rows)], client_timeout=60)


def test_whole_numbers(client):
    module, connected = client
    rows = numpy.arange(28).reshape(2, 14)
    expected = connected.infer(MODEL, [tensor(module, rows.astype(numpy.float32))]).as_numpy("predict")
    for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        answered = connected.infer(MODEL, [tensor(module, rows.astype(kind), datatype=kind.upper())]).as_numpy("predict")
        assert (answered == expected).all()
    answered = connected.infer(MODEL, [tensor(module, rows.astype("float16"), datatype="FP16")]).as_numpy("predict")
    assert (answered == expected).all()


def test_typed_contents(served):
    """As clients without Triton's raw contents send them."""
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    rows, expected = golden_rows(MODEL)
    message = service_pb2.ModelInferRequest(model_name=MODEL, id="t")
    message.inputs.add(name="input", datatype="FP64", shape=rows.shape).contents.fp64_contents.extend(rows.flatten().tolist())
    with grpc_library.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(message)
    assert answer.id == "t" and not answer.raw_output_contents
    assert numpy.abs(numpy.array(answer.outputs[0].contents.fp32_contents) - expected).max() <= 1e-6


def test_streams_and_many_at_once(served):
    rows, expected = golden_rows(MODEL)
    answers = []
    with grpc.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as connected:
        connected.start_stream(lambda result, error: answers.append(error or result))
        for _ in range(20):
            connected.async_stream_infer(MODEL, [tensor(grpc, rows)])
        connected.async_stream_infer("none", [tensor(grpc, rows)])
        connected.async_stream_infer(MODEL, [tensor(grpc, rows)])
        connected.stop_stream()
    assert len(answers) == 22 and isinstance(answers[20], InferenceServerException)
    for result in answers[:20] + answers[21:]:
        assert numpy.abs(result.as_numpy("predict") - expected).max() <= 1e-6
    with http.InferenceServerClient(f"127.0.0.1:{served.executor.port}", concurrency=8) as connected:
        pending = [connected.async_infer(MODEL, [tensor(http, rows)]) for _ in range(40)]
        for request in pending:
            assert numpy.abs(request.get_result().as_numpy("predict") - expected).max() <= 1e-6


def test_statistics_count_rows_and_requests(client):
    module, connected = client

    def counts():
        answer = as_dict(module, connected.get_inference_statistics(OTHER))["model_stats"][0]
        return (int(answer.get("inference_count", 0)), int(answer.get("execution_count", 0)),
                int(answer["inference_stats"]["fail"].get("count", 0)))

    rows, _ = golden_rows(OTHER)
    before = counts()
    for count in (1, 5, 7):
        connected.infer(OTHER, [tensor(module, rows[:count])])
    refused(lambda: connected.infer(OTHER, [tensor(module, rows[:, :3].copy())]))
    after = counts()
    assert [b - a for a, b in zip(before, after)] == [13, 3, 1]
    everything = as_dict(module, connected.get_inference_statistics())["model_stats"]
    assert {model["name"] for model in everything} == {MODEL, OTHER, ENCODED, CLASSES}
    success = next(m for m in everything if m["name"] == OTHER)["inference_stats"]
    assert 0 < int(success["compute_infer"]["ns"]) <= int(success["success"]["ns"])


def test_refusals_name_the_field(served, client):
    module, connected = client
    rows, expected = golden_rows(MODEL)

    def ask(array=rows[:1], model=MODEL, **options):
        return lambda: connected.infer(model, [tensor(module, array)], **options)

    def status(number, code):
        return number if module is http else f"StatusCode.{code}"

    infinite = rows[:2].copy()
    infinite[1, 3] = numpy.inf
    texts = numpy.array([["a"] * 14], dtype=object)
    cases = [
        (ask(rows[:2, :5].copy()), "inputs[0].shape: [2, 5]; the model takes", "400", "INVALID_ARGUMENT"),
        (ask(infinite), "row 2, column 4: the number is not finite", "400", "INVALID_ARGUMENT"),
        (ask(model="none"), 'no model "none" is live', "404", "NOT_FOUND"),
        (ask(model_version="0"), "version 0 is not served", "404", "NOT_FOUND"),
        (ask(outputs=[module.InferRequestedOutput("y")]), 'outputs[0].name: the model has no output "y"', "400", "INVALID_ARGUMENT"),
        (lambda: connected.infer(MODEL, [tensor(module, texts, datatype="BYTES")]), "inputs[0].datatype: BYTES: feature \"", "400", "INVALID_ARGUMENT"),
        (ask(numpy.zeros((2001, 14), dtype=numpy.float32)), "more than 2000 rows", "413", "RESOURCE_EXHAUSTED"),
        (lambda: connected.get_model_metadata("none"), 'no model "none"', "404", "NOT_FOUND"),
        (lambda: connected.get_inference_statistics("none"), 'no model "none"', "404", "NOT_FOUND"),
        (lambda: connected.load_model("none"), "from the bucket alone", "404", "NOT_FOUND"),
        (lambda: connected.load_model(MODEL, config="{}"), "parameters.config", "400", "INVALID_ARGUMENT"),
    ]
    for call, text, number, code in cases:
        said, was = refused(call)
        assert text in said and was == status(number, code), (said, was)
        answered = connected.infer(MODEL, [tensor(module, rows)]).as_numpy("predict")
        assert numpy.abs(answered - expected).max() <= 1e-6


def test_compressed_bodies_are_refused(served):
    rows, _ = golden_rows(MODEL)
    with http.InferenceServerClient(f"127.0.0.1:{served.executor.port}") as connected:
        for how in ("gzip", "deflate"):
            text, status = refused(lambda: connected.infer(
                MODEL, [tensor(http, rows)], request_compression_algorithm=how))
            assert "Content-Encoding" in text and status == "415"
        # An answer may always be uncompressed.
        assert connected.infer(MODEL, [tensor(http, rows)], response_compression_algorithm="gzip").as_numpy("predict").size
    with grpc.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as connected:
        _, status = refused(lambda: connected.infer(MODEL, [tensor(grpc, rows)], compression_algorithm="gzip"))
        assert status == "StatusCode.UNIMPLEMENTED"


def test_messages_have_a_limit(served):
    with grpc.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as connected:
        large = numpy.zeros((300_000, 14), dtype=numpy.float32)
        text, status = refused(lambda: connected.infer(MODEL, [tensor(grpc, large)]))
        assert status == "StatusCode.RESOURCE_EXHAUSTED", text
        rows, _ = golden_rows(MODEL)
        assert connected.infer(MODEL, [tensor(grpc, rows)]).as_numpy("predict").size == len(rows)


def stalled_call(port, announced, sent):
    """A call over HTTP/2 by hand, whose message stops in its midst: no client would send that."""
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
              (b":authority", b"x"), (b"content-type", b"application/grpc"), (b"te", b"trailers")]
    # Literals without indexing.
    head = b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)
    message = b"\0" + announced.to_bytes(4, "big") + bytes(sent)
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 4, 1, head) + b"".join(
        frame(0, 0, 1, message[at:at + 16384]) for at in range(0, len(message), 16384)))
    return connection


def test_who_announces_much_and_sends_little_takes_nothing_from_others(served):
    def pending():
        with contextlib.closing(served.executor.connect()) as connection:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        return next(float(line.split()[1]) for line in page.splitlines() if line.startswith("lodestore_executor_pending_bytes "))

    sent = 62 << 10
    with contextlib.ExitStack() as stack:
        for _ in range(70):
            stack.enter_context(stalled_call(served.grpc_port, 16 << 20, sent))
        wait_until("what has come is charged", lambda: pending() == 70 * sent)
        rows, _ = golden_rows(MODEL)
        line = ",".join(repr(float(number)) for number in rows[0]) + "\n"
        status, _, text = served.executor.predict(line * 2000, model=MODEL)
        assert status == 200 and text.count("\n") == 2000
    wait_until("what was charged is given back", lambda: pending() == 0)


def test_unload_and_load(served, client):
    module, connected = client
    rows, expected = golden_rows(OTHER)

    def states():
        index = connected.get_model_repository_index()
        models = index if module is http else as_dict(module, index)["models"]
        return {model["name"]: model["state"] for model in models}

    assert states() == {MODEL: "READY", OTHER: "READY", ENCODED: "READY", CLASSES: "READY"}
    connected.unload_model(OTHER)
    try:
        assert states() == {MODEL: "READY", OTHER: "UNAVAILABLE", ENCODED: "READY", CLASSES: "READY"} and not connected.is_model_ready(OTHER)
        text, status = refused(lambda: connected.infer(OTHER, [tensor(module, rows)]))
        assert "is unloaded here" in text and status == ("404" if module is http else "StatusCode.UNAVAILABLE")
        assert served.executor.predict("1", model=OTHER)[0] == 404
        assert connected.is_server_ready()
    finally:
        connected.load_model(OTHER)
    assert connected.is_model_ready(OTHER)
    answered = connected.infer(OTHER, [tensor(module, rows)]).as_numpy("predict")
    assert numpy.abs(answered - expected).max() <= 1e-6


@pytest.mark.parametrize("binary", [False, True])
def test_mlserver_infer(served, tmp_path, binary):
    """The batch command of MLServer: a request a line, merged as it likes, answers split again."""
    rows, _ = golden_rows(MODEL)
    # The command reads its lines with a JSON that has no NaN.
    rows = numpy.where(numpy.isnan(rows), numpy.float32(0.5), rows)[:60]
    with open(tmp_path / "in", "w") as file:
        for start in range(0, 60, 3):
            tensor_of_three = {"name": "input", "shape": [3, 14], "datatype": "FP32",
                               "data": rows[start:start + 3].flatten().tolist()}
            file.write(json.dumps({"id": str(start), "inputs": [tensor_of_three]}) + "\n")
    command = [pathlib.Path(sys.executable).parent / "mlserver", "infer", "--url", f"127.0.0.1:{served.executor.port}",
               "--model-name", MODEL, "--input-data-path", tmp_path / "in", "--output-data-path", tmp_path / "out",
               "--workers", "4", "--batch-size", "5", "--retries", "1"] + (["--binary-data"] if binary else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answers = {}
    for line in (tmp_path / "out").read_text().splitlines():
        answer = json.loads(line)
        assert "error" not in answer, answer
        answers[answer["id"]] = answer["outputs"][0]
    assert len(answers) == 20
    with http.InferenceServerClient(f"127.0.0.1:{served.executor.port}") as connected:
        expected = connected.infer(MODEL, [tensor(http, rows)]).as_numpy("predict")
    for start in range(0, 60, 3):
        output = answers[str(start)]
        assert output["name"] == "predict"
        assert numpy.abs(numpy.array(output["data"]) - expected[start:start + 3]).max() <= 1e-6


def test_the_socket_of_grpc_is_its_owners(served, folder):
    """Whoever comes second is refused, and does not take the path of the one that is there."""
    assert served.grpc_path.stat().st_mode & 0o777 == 0o660
    second = subprocess.run(
        [PROGRAMS / "lodestore-executor", "serve", "--listen", "127.0.0.1:0", "--control", folder / "c.sock",
         "--grpc-socket", served.grpc_path], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and str(served.grpc_path) in second.stderr, second.stderr
    with grpc.InferenceServerClient(f"unix:{served.grpc_path}") as connected:
        assert connected.is_model_ready(MODEL)


def test_calls_in_flight_outlive_sigterm(folder):
    """gRPC drains with the rest: what was asked before the signal is answered, and the program ends cleanly."""
    port = free_port()
    # Calls may wait for a worker as long as a busy machine makes them.
    path = folder / "grpc.sock"
    flags = ("--grpc-listen", f"127.0.0.1:{port}", "--grpc-socket", path, "--max-queue-ms", "60000")
    house = House(folder, *flags)
    try:
        house.push(MODEL, artifact(MODEL), artifact(MODEL).name)
        wait_until("the model is live", lambda: house.executor.ping() == 200)
        rows, _ = golden_rows(MODEL)
        many = numpy.tile(rows, (max(1, 60_000 // len(rows)), 1))
        with contextlib.closing(grpc.InferenceServerClient(f"127.0.0.1:{port}")) as connected:
            assert connected.infer(MODEL, [tensor(grpc, rows)]).as_numpy("predict").size == len(rows)
            answers = []
            for _ in range(4):
                connected.async_infer(MODEL, [tensor(grpc, many)], lambda result, error: answers.append(error or result))
            wait_until("one is answered, others are in flight", lambda: answers)
            assert house.executor.stop() == 0
            assert not path.exists()
            wait_until("all are answered", lambda: len(answers) == 4)
            for answer in answers:
                # A call that had not reached the server when it stopped listening is refused as one to try elsewhere.
                if isinstance(answer, InferenceServerException):
                    assert str(answer.status()) in ("StatusCode.UNAVAILABLE", "StatusCode.CANCELLED"), answer
                else:
                    assert answer.as_numpy("predict").size == len(many)
    finally:
        house.stop()
