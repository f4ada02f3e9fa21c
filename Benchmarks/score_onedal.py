"""oneDAL's gradient boosting through daal4py, in an environment of its own (daal4py wants older libraries). Python and the wrapping of
tables are in the time, some ten microseconds a call: it has no C interface.

usage: score_onedal.py FOLDER MODEL SECONDS BATCH...      prints batch,median (ns a row)
"""
import json
import pathlib
import sys
import time

import daal4py
import numpy as np
from daal4py import mb


def booster(folder, model):
    if model in ("M3", "M4"):
        import lightgbm
        return lightgbm.Booster(model_file=folder / f"{model}.txt")
    import xgboost
    # XGBoost 3 writes the base score as a list, which the older one does not read.
    document = json.loads((folder / f"{model}.json").read_text())
    parameters = document["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    document["version"] = [2, 1, 4]
    older = folder / f"{model}.older.json"
    older.write_text(json.dumps(document))
    return xgboost.Booster(model_file=older)


folder, model, seconds = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
daal4py.daalinit(nthreads=1)
converted = mb.convert_model(booster(folder, model))
rows = np.fromfile(folder / "rows.f32", np.float32).reshape(-1, 40)
for batch in map(int, sys.argv[4:]):
    blocks = [np.ascontiguousarray(rows[start:start + batch]) for start in range(0, len(rows) - batch + 1, batch)]
    times, start, index = [], time.perf_counter(), 0
    while time.perf_counter() - start < seconds * 1.25 or len(times) < 30:
        before = time.perf_counter_ns()
        converted.predict_proba(blocks[index % len(blocks)])
        times.append((time.perf_counter_ns() - before) / batch)
        index += 1
    warm = sorted(times[len(times) // 5:])
    print(f"{batch},{warm[len(warm) // 2]:.1f}", flush=True)
