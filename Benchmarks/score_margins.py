"""Counts the margins in a file of float64 that are not, to the bit, what the model's library answers.

usage: score_margins.py FOLDER ARTIFACT MARGINS
"""
import pathlib
import sys

import numpy as np

folder, artifact, margins = pathlib.Path(sys.argv[1]), sys.argv[2], np.fromfile(sys.argv[3])
rows = np.fromfile(folder / "rows.f32", np.float32).reshape(-1, 40)[:len(margins)]
if artifact.endswith(".txt"):
    import lightgbm
    expected = lightgbm.Booster(model_file=folder / artifact).predict(rows, raw_score=True)
else:
    import xgboost
    expected = xgboost.Booster(model_file=folder / artifact).predict(xgboost.DMatrix(rows), output_margin=True).astype(np.float64)
print(int((expected.view(np.int64) != margins.view(np.int64)).sum()))
