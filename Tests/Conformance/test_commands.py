"""What the programs say to a person or a script that runs them: results, refusals and exit codes."""

import csv
import io
import json
import os
import pathlib
import pty
import socket
import subprocess
import tempfile
import threading

import pytest

from goldens import MODELS, Golden, values, worst_difference
from programs import PROGRAMS, READY_SECONDS, Executor, free_port

MODEL = MODELS / "click-v1"
GOLDEN = Golden(MODEL / "golden.csv")
ROW = GOLDEN.lines[0]


def run(program, *arguments, environment=None, **options):
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([PROGRAMS / program, *arguments], env={"PATH": os.environ["PATH"], **(environment or {})}, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=READY_SECONDS, **options)


def score(*arguments, **options):
    return run("lodestore-executor", "score", *arguments, **options)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "click.image"
    subprocess.run([PROGRAMS / "lodestore-sidecar", "compile", MODEL / "model.tar.gz", "-o", path], check=True, capture_output=True)
    return path


def file_of(folder, lines, name="rows.csv"):
    path = folder / name
    path.write_text("".join(line + "\n" for line in lines))
    return path


# Scores of a file


def test_the_predictions_are_the_golden_ones(image, folder):
    header = file_of(folder, [",".join(GOLDEN.names), *GOLDEN.lines], "header.csv")
    lines = file_of(folder, [json.dumps(row) for row in GOLDEN.features], "rows.jsonl")
    document = folder / "rows.json"
    document.write_text(json.dumps({"instances": GOLDEN.features}))
    for arguments in ([file_of(folder, GOLDEN.lines)], [header, "--header"], [lines, "--json-lines"], [document, "--json-rows"]):
        scored = score(image, *arguments)
        assert scored.returncode == 0 and scored.stderr == "", scored.stderr
        assert worst_difference(values(scored.stdout), GOLDEN.expected()) <= 1e-6


def test_a_full_disk_is_no_success(image, folder):
    with open("/dev/full", "w") as full:
        scored = score(image, file_of(folder, [ROW]), stdout=full)
    assert scored.returncode == 74 and "No space left on device" in scored.stderr, scored.stderr


def test_closed_output_is_no_success(image, folder):
    scored = subprocess.run(["sh", "-c", 'exec "$0" score "$1" "$2" >&-', PROGRAMS / "lodestore-executor", image, file_of(folder, [ROW])],
                            capture_output=True, text=True)
    assert scored.returncode == 74 and "standard output" in scored.stderr, scored.stderr


def test_a_large_file_takes_no_more_memory_than_a_small_one(image, folder):
    def peak(rows):
        """Answers the lines and the most memory that the process has had, as read after each piece of its output."""
        count = most = 0
        with subprocess.Popen([PROGRAMS / "lodestore-executor", "score", image, rows], stdout=subprocess.PIPE) as scoring:
            while piece := scoring.stdout.read(1 << 16):
                count += piece.count(b"\n")
                for line in pathlib.Path(f"/proc/{scoring.pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):  # none once it has ended
                        most = int(line.split()[1]) << 10
        assert scoring.returncode == 0 and most > 0
        return count, most

    small_rows, large_rows = 20_000, (30 << 20) // (len(ROW) + 1)
    small = peak(file_of(folder, [ROW] * small_rows, "small.csv"))
    large = peak(file_of(folder, [ROW] * large_rows, "large.csv"))
    assert small[0] == small_rows and large[0] == large_rows
    assert large[1] - small[1] < 16 << 20, (small, large)


@pytest.mark.parametrize("flag, bad, said", [
    (None, "1,2", "row 5001 has 2 fields"), (None, ROW.replace("5", "five", 1), "row 5001, column"),
    ("--header", "1,2", "row 5001 has 2 fields"), ("--json-lines", "[1, 2", "row 5001 is not the JSON expected"),
    ("--json-lines", "[1, 2]", "row 5001 has 2 fields"),
])
def test_a_bad_row_is_named_and_those_before_it_are_printed(image, folder, flag, bad, said):
    good = json.dumps(GOLDEN.features[0]) if flag == "--json-lines" else ROW
    head = [",".join(GOLDEN.names)] if flag == "--header" else []
    rows = file_of(folder, [*head, *[good] * 5000, bad, *[good] * 5000])
    scored = score(image, rows, *([flag] if flag else []))
    assert scored.returncode == 1 and said in scored.stderr and str(rows) in scored.stderr, scored.stderr
    printed = values(scored.stdout)
    assert len(printed) == 5000 and worst_difference(printed, GOLDEN.expected(0, 1) * 5000) <= 1e-6


def test_rows_may_come_through_a_pipe(image):
    scored = subprocess.run([PROGRAMS / "lodestore-executor", "score", image, "/dev/stdin"], input=GOLDEN.body().encode(), capture_output=True)
    assert scored.returncode == 0 and worst_difference(values(scored.stdout.decode()), GOLDEN.expected()) <= 1e-6


def test_progress_is_shown_on_a_terminal_only(image, folder):
    rows = file_of(folder, [ROW] * 20000)
    leader, follower = pty.openpty()
    scoring = subprocess.Popen([PROGRAMS / "lodestore-executor", "score", image, rows], stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:  # the terminal's other end is closed
            break
        if not piece:
            break
        shown += piece
    assert scoring.wait() == 0
    os.close(leader)
    assert b"[#" in shown and b"% " in shown and b" rows" in shown and shown.endswith(b"\r\x1b[K"), shown
    assert score(image, rows).stderr == ""


def test_what_is_no_image_is_said_in_a_sentence(image, folder):
    rows = file_of(folder, [ROW])
    for path, said in ((MODEL / "golden.csv", "is no image: lodestore-sidecar compile makes one"), ("/dev/null", "is no image"),
                       (folder / "nothing", "No such file or directory"), (folder, "is no image")):
        refused = score(path, rows)
        assert refused.returncode == 1 and said in refused.stderr and str(path) in refused.stderr, refused.stderr
        assert refused.stdout == "" and len(refused.stderr.splitlines()) == 1
    cut = folder / "cut.image"
    cut.write_bytes(image.read_bytes()[:-8])
    refused = score(cut, rows)
    assert refused.returncode == 1 and "was cut short" in refused.stderr, refused.stderr


def test_forms_that_exclude_each_other_are_wrong_usage(image, folder):
    rows = file_of(folder, [ROW])
    for flags in (["--json-rows", "--json-lines"], ["--header", "--json-lines"], ["--header", "--json-rows"]):
        refused = score(image, rows, *flags)
        assert refused.returncode == 64 and "--json-rows, --json-lines and --header" in refused.stderr, refused.stderr


# Loads


def bench(*arguments):
    return run("lodestore-executor", "bench", "--rate", "200", "--duration", "0.5", "--warm-up", "0", *arguments)


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    with tempfile.TemporaryDirectory(prefix="lode-") as folder:
        executor = Executor(pathlib.Path(folder) / "executor").start()
        yield executor
        assert executor.stop() == 0


def test_csv_has_what_json_has(executor):
    arguments = ["--connect", f"localhost:{executor.port}", "--path", "/v2/health/live", "--connections", "2"]
    done = bench(*arguments, "--csv")
    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(lines) == 1 and done.stdout.count("\n") == 2
    row = lines[0]
    assert float(row["asked_rate"]) == 200 and row["connections"] == "2" and float(row["seconds"]) == 0.5
    assert row["answered"] == "100" and row["failed"] == "0" and float(row["latency_us_p50"]) <= float(row["latency_us_max"])
    report = json.loads(bench(*arguments, "--json").stdout)
    assert report["answered"] == 100 and set(row) == {
        *(set(report) - {"latency_us"}), *(f"latency_us_{name}" for name in report["latency_us"])}
    assert bench(*arguments, "--csv", "--json").returncode == 64


def test_csv_of_a_failing_load(executor):
    done = bench("--socket", executor.socket, "--path", "/nowhere", "--csv")
    row = next(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 1 and row["failed"] == "100" and row["failures"] == "status 404=100"


def test_fields_are_sent_as_given():
    heads = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    while piece := connection.recv(65536):
                        heads.append(piece.decode())
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        done = run("lodestore-executor", "bench", "--connect", f"127.0.0.1:{server.getsockname()[1]}", "--rate", "20", "--duration", "0.2",
                   "--warm-up", "0", "--connections", "1", "--body", str(MODELS / "README.md"), "--header", "Authorization: Bearer a:b",
                   "--header", "content-type: text/plain", "--path", "/v2/models/m/infer?x=1", "--model", "m")
        thread.join()
    assert done.returncode == 0, done.stderr
    head = heads[0].split("\r\n\r\n")[0].split("\r\n")
    assert head[0] == "POST /v2/models/m/infer?x=1 HTTP/1.1"
    assert "Authorization: Bearer a:b" in head and "content-type: text/plain" in head and "X-Amzn-SageMaker-Target-Model: m" in head
    assert not any(line.startswith("Content-Type") for line in head)


def test_a_server_that_is_not_there_is_said_in_a_sentence(folder):
    port = free_port()
    for target, said in ((["--connect", f"127.0.0.1:{port}"], f"connection refused by 127.0.0.1:{port}"),
                         (["--connect", f"localhost:{port}"], f"connection refused by localhost:{port}"),
                         (["--connect", f"no.such.name.invalid:{port}"], "no.such.name.invalid has no address"),
                         (["--socket", folder / "none.sock"], f"no socket at {folder}/none.sock")):
        done = bench(*target, "--path", "/ping")
        assert done.returncode == 1 and said in done.stderr, done.stderr


def test_fields_that_break_a_request_are_wrong_usage():
    for arguments in (["--header", "no colon"], ["--header", "a: b\r\nc: d"], ["--header", "Content-Length: 1"], ["--path", "ping"],
                      ["--path", "/a b"], ["--method", "G ET"], ["--path", "/invocations"]):
        done = bench("--connect", "127.0.0.1:1", *(["--path", "/ping"] if "--path" not in arguments else []), *arguments)
        assert done.returncode == 64, (arguments, done.stderr)


# Settings


def programs_with_config(folder, config):
    path = folder / "config.json"
    path.write_text(config)
    control, cache = folder / "c.sock", folder / "cache"
    return [
        ("lodestore-executor", ["serve", "--listen", "127.0.0.1:0", "--control", control, "--config", path], {}),
        ("lodestore", ["serve", "--listen", "127.0.0.1:0", "--data", folder / "data", "--config", path], {}),
        ("lodestore-sidecar", ["run", "--endpoint", "http://127.0.0.1:1", "--bucket", "models", "--cache", cache, "--executor", control,
                               "--config", path], {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}),
    ]


@pytest.mark.parametrize("config, said", [
    ('{"log-levle": "info"}', '"log-levle" in the configuration file'), ('{"log-level": null}', 'log-level is "null"'),
    ('{"log-level": "info", "log-level": "debug"}', "given twice"), ('{"log-level": {"default": "info"}}', 'log-level is "an object"'),
    ('["log-level"]', "cannot be read"),
])
def test_a_setting_that_is_none_is_refused_by_name(folder, config, said):
    for program, arguments, environment in programs_with_config(folder, config):
        done = run(program, *arguments, environment={"HOME": str(folder), **environment})
        assert done.returncode == 78 and said in done.stderr, (program, done.stderr)


def test_every_flag_is_a_setting_of_the_file(folder):
    """The names that the refusal lists are the flags of --help, but for --config and --help themselves."""
    beyond = {"lodestore": {"root-access-key", "root-secret-key"}}
    for program, arguments, environment in programs_with_config(folder, '{"no-setting": 1}'):
        refusal = run(program, *arguments, environment={"HOME": str(folder), **environment}).stderr
        listed = set(refusal.strip().split("accepted are ")[1].split(", "))
        helped = run(program, arguments[0], "--help").stdout
        flags = {word.strip("[],").removeprefix("--") for line in helped.split("OPTIONS:")[1].splitlines()
                 for word in line.split()[:3] if line.startswith("  -") and word.startswith("--")}
        assert listed == (flags | beyond.get(program, set())) - {"config", "help", "version"}, program


def test_a_file_of_settings_is_taken(folder):
    executor = Executor(folder / "executor")
    config = folder / "config.json"
    config.write_text(json.dumps({"max-rows": 7, "log-level": "debug", "insecure-listen": False, "default-model": "m"}))
    executor.flags = ["--config", config]
    executor.start()
    assert executor.stop() == 0


@pytest.mark.parametrize("program", ["lodestore-executor", "lodestore"])
def test_certificates_that_cannot_be_used_are_a_wrong_setting(folder, program):
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_text("no key")
    certificate.write_text("no certificate")
    place = ["--control", folder / "c.sock"] if program == "lodestore-executor" else ["--data", folder / "data"]
    for path in (certificate, folder / "missing.pem"):
        done = run(program, "serve", "--listen", "127.0.0.1:0", *place, "--tls-certificate", path, "--tls-key", key,
                   environment={"HOME": str(folder)})
        assert done.returncode == 78 and f'tls-certificate is "{path}"' in done.stderr, done.stderr


def test_one_path_for_both_sockets_is_a_wrong_setting(folder):
    path = folder / "one.sock"
    for other in (path, folder / "." / "one.sock"):
        done = run("lodestore-executor", "serve", "--listen", "127.0.0.1:0", "--socket", path, "--control", other)
        assert done.returncode == 78 and "another path than that of socket" in done.stderr, done.stderr
    third = folder / "third.sock"
    for name, flags in (("control", ["--control", path]), ("socket", ["--socket", path, "--control", third])):
        done = run("lodestore-executor", "serve", "--listen", "127.0.0.1:0", "--grpc-socket", path, *flags)
        assert done.returncode == 78 and f"another path than that of {name}" in done.stderr, done.stderr
