"""`Scripts/bench score`: one thread scoring the anchor models, beside every engine that installs from PyPI.

usage: Scripts/bench score [--rounds N] [--seconds S] [--models M1,M2] [--batches 1,1024] [--slow-peers] [--json]

Models are trained here (seeded) and kept in .build/score, as are peers and what they compile. Systems are interleaved round by round;
each gets the same shuffled rows, at 1, 16, 128 and 1,024 a call, through its C interface. `--slow-peers` adds what takes ten minutes
and more to compile. A peer is exact when it treats missing values as the model was trained to; a system that is not here or refuses a
model is printed as absent.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(os.environ.get("LODESTORE_SCORE_FOLDER", pathlib.Path(__file__).resolve().parent.parent / ".build" / "score"))
MODELS, HERE = FOLDER / "models", pathlib.Path(__file__).resolve().parent
PEERS, LLEAVES, ONEDAL = FOLDER / "peers", FOLDER / "peers-lleaves", FOLDER / "peers-onedal"
OURS = "lodestore"
ARTIFACTS = {"M1": "M1.ubj", "M2": "M2.ubj", "M3": "M3.txt", "M4": "M4.txt", "M5": "M5.onnx", "M6": "M6.onnx"}
ROWS = {"M5": ("rows-onehot.f32", 1000), "M6": ("rows-scaled.f32", 40)}
TREES = ("M1", "M2", "M3", "M4")
# What an engine's model is compiled to by a C compiler in more than a few minutes.
SLOW = {"tl2cgen": ("M2", "M4"), "lleaves": ("M3", "M4")}


class Absent(Exception):
    pass


def python(environment, script, *arguments):
    return [environment / "bin" / "python", HERE / script, *map(str, arguments)]


def make(name, environment=PEERS):
    """An artifact of score_models.py; the trained ones first, which the environments of single peers cannot make."""
    path = MODELS / name
    if not path.exists():
        done = subprocess.run(python(environment, "score_models.py", MODELS, name), stdout=sys.stderr)
        if done.returncode or not path.exists():
            raise Absent(f"{name} cannot be made")
    return path


def installed(environment, pattern):
    found = sorted(environment.glob("lib/python3*/site-packages/" + pattern))
    if not found:
        raise Absent(f"{pattern} is not installed")
    return found[0]


class Run:
    """One system on one model: a command that prints a line of CSV for each batch size."""

    def __init__(self, model, seconds, batches):
        self.model, self.seconds, self.batches = model, seconds, [str(batch) for batch in batches]
        name, self.width = ROWS.get(model, ("rows.f32", 40))
        make("data.npz")
        self.rows = MODELS / name

    def times(self, command, **environment):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**os.environ, **environment,
                                                                                                  "OMP_NUM_THREADS": "1"})
        if done.returncode:
            raise Absent(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}")
        return [line.split(",") for line in done.stdout.splitlines() if "," in line]

    def measure(self, engine, model, library, rows=None, batches=None, **environment):
        found = self.times([FOLDER / "score-peers", engine, model, rows or self.rows, self.width, self.seconds, "-", library,
                            *(batches or self.batches)], **environment)
        return {engine: {int(fields[0]): float(fields[1]) / 1000 for fields in found}}

    def ours(self):
        driver = pathlib.Path(os.environ["LODESTORE_PROGRAMS"]) / "score-driver"
        found = self.times([driver, image(self.model), self.rows, self.width, self.seconds, "-", *self.batches])
        return {OURS: {int(fields[0]): float(fields[1]) / 1000 for fields in found}}

    def xgboost(self):
        return self.measure("xgboost", make(f"{self.model}.ubj"), installed(PEERS, "xgboost/lib/libxgboost.so"))

    def lightgbm(self):
        library, model = installed(PEERS, "lightgbm/lib/lib_lightgbm.so"), make(f"{self.model}.txt")
        found = self.measure("lightgbm", model, library)
        if "1" in self.batches:
            found |= self.measure("lightgbm-fast", model, library, batches=["1"])
        return found

    def onnxruntime(self):
        names = {"ORT_OUTPUT": "probabilities", "ORT_WIDTH": "2"} if self.model in TREES else {}
        return self.measure("onnxruntime", make(f"{self.model}.onnx"), installed(PEERS, "onnxruntime/capi/libonnxruntime.so.*"), **names)

    def treelite(self):
        kind = "json" if self.model in ("M1", "M2") else "txt"
        return self.measure("treelite", make(f"{self.model}.{kind}"), installed(PEERS, "treelite/lib/libtreelite.so"))

    def tl2cgen(self):
        compiled = make(f"{self.model}.tl2cgen.so")
        return self.measure("tl2cgen", compiled, compiled)

    def lleaves(self):
        make(f"{self.model}.txt")
        installed(LLEAVES, "lleaves")
        compiled = make(f"{self.model}.lleaves.so", LLEAVES)
        return self.measure("lleaves", compiled, compiled)

    def ydf_cc(self):
        compiled = make(f"{self.model}.ydf.so")
        return self.measure("ydf-cc", compiled, compiled, rows=imputed())

    def ydf(self):
        make(f"{self.model}.ydf")
        found = {}
        for name, batch, mean in self.times(python(PEERS, "score_ydf.py", MODELS, self.model, self.seconds, *self.batches)):
            found.setdefault(name, {})[int(batch)] = float(mean) / 1000
        return found

    def onedal(self):
        make(ARTIFACTS[self.model])
        installed(ONEDAL, "daal4py")
        found = self.times(python(ONEDAL, "score_onedal.py", MODELS, self.model, self.seconds, *self.batches))
        return {"onedal": {int(batch): float(median) / 1000 for batch, median in found}}


# Method, models, whether missing values are treated exactly.
SYSTEMS = [("ours", tuple(ARTIFACTS), True), ("xgboost", ("M1", "M2"), True), ("lightgbm", ("M3", "M4"), True),
           ("onnxruntime", tuple(ARTIFACTS), True), ("treelite", TREES, True), ("tl2cgen", TREES, True), ("lleaves", ("M3", "M4"), True),
           ("onedal", ("M1", "M2", "M3"), True), ("ydf_cc", TREES, False), ("ydf", TREES, False)]


def imputed():
    path = MODELS / "rows-imputed.f32"
    if not path.exists():
        subprocess.run([str(part) for part in python(PEERS, "score_ydf.py", MODELS, "impute")], check=True)
    return path


def image(model):
    """The model as the sidecar compiles it; anew each time the programs are newer."""
    sidecar, path = pathlib.Path(os.environ["LODESTORE_PROGRAMS"]) / "lodestore-sidecar", FOLDER / f"{model}.image"
    if not sidecar.exists():
        raise Absent("the programs are not built")
    if not path.exists() or path.stat().st_mtime < sidecar.stat().st_mtime:
        done = subprocess.run([sidecar, "compile", make(ARTIFACTS[model]), "-o", path], capture_output=True, text=True)
        if done.returncode:
            path.unlink(missing_ok=True)
            raise Absent("the sidecar refuses it: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return path


def different_margins(model):
    """Rows of the first ten thousand whose margin is not the library's to the bit."""
    with tempfile.NamedTemporaryFile() as file:
        driver = pathlib.Path(os.environ["LODESTORE_PROGRAMS"]) / "score-driver"
        subprocess.run([driver, image(model), MODELS / "rows.f32", "40", "0.1", file.name], check=True,
                       env={**os.environ, "LODESTORE_SCORE_MARGINS": "1"})
        done = subprocess.run([str(part) for part in python(PEERS, "score_margins.py", MODELS, ARTIFACTS[model], file.name)],
                              capture_output=True, text=True, check=True)
    return int(done.stdout)


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench score", usage=__doc__.splitlines()[2].removeprefix("usage: "))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=.5)
    parser.add_argument("--models", default=",".join(ARTIFACTS))
    parser.add_argument("--batches", default="1,16,128,1024")
    parser.add_argument("--slow-peers", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    batches = [int(batch) for batch in options.batches.split(",")]
    MODELS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O3", "-o", FOLDER / "score-peers", HERE / "score_peers.c", "-ldl", "-lm"], check=True)
    if not options.json:
        print(f"{processor()}, one thread; µs a row, medians of {options.rounds} rounds")
    for model in options.models.split(","):
        report(model, batches, *measure(model, batches, options), options.json)


def measure(model, batches, options):
    """Values of each system by batch size, which systems are exact, and why others are absent."""
    values, exact, absent = {}, {OURS}, {}
    for _ in range(options.rounds):
        for method, models, is_exact in SYSTEMS:
            if model not in models or method in absent:
                continue
            try:
                run = Run(model, options.seconds, batches)
                if model in SLOW.get(method, ()) and not options.slow_peers and not (MODELS / f"{model}.{method}.so").exists():
                    raise Absent("takes --slow-peers")
                for system, by_batch in getattr(run, method)().items():
                    if is_exact:
                        exact.add(system)
                    for batch, value in by_batch.items():
                        values.setdefault(system, {}).setdefault(batch, []).append(value)
            except Absent as reason:
                absent[method] = str(reason)
    return values, exact, absent


def report(model, batches, values, exact, absent, as_json):
    absent = {OURS if method == "ours" else method: reason for method, reason in absent.items()}
    if as_json:
        for system, by_batch in values.items():
            for batch, found in by_batch.items():
                print_json(model, batch, system, round(statistics.median(found), 4))
        for system in absent:
            for batch in batches:
                print_json(model, batch, system, None)
        if model in TREES and OURS in values:
            print(json.dumps({"bench": "score", "case": model, "system": OURS, "metric": "margins that differ",
                              "value": different_margins(model), "unit": "of 10,000"}))
        return
    different = different_margins(model) if model in TREES and OURS in values else None
    print(f"\n{model}" + ("" if different is None else f", {different} of 10,000 margins differ from the library's"))
    for batch in batches:
        medians = {system: statistics.median(by_batch[batch]) for system, by_batch in values.items() if batch in by_batch}
        own = medians.pop(OURS, None)
        line = f"  {batch:5} rows  {OURS} " + ("absent" if own is None else f"{own:.3g}")
        for title, chosen in (("best exact peer", [s for s in medians if s in exact]), ("best of all", list(medians))):
            best = min(chosen, key=medians.get, default=None)
            if best:
                line += f"; {title} {best} {medians[best]:.3g}" + (f" ({medians[best] / own:.2f}x)" if own else "")
        print(line)
        print("              " + ", ".join(f"{system} {value:.3g}" for system, value in sorted(medians.items(), key=lambda each: each[1])))
    for system, reason in absent.items():
        print(f"  {system}: absent ({reason})")


def print_json(model, batch, system, value):
    print(json.dumps({"bench": "score", "case": f"{model} {batch} rows", "system": system, "metric": "time", "value": value,
                      "unit": "µs/row"}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
