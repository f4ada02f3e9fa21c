"""Makes what `Scripts/bench score` measures, in a folder that is kept: data, models, and the models as peers want them.

usage: score_models.py FOLDER ARTIFACT...      for instance: M1.json, M3.onnx, M2.tl2cgen.so, M1.ydf, M3.lleaves.so
"""
import json
import pathlib
import subprocess
import sys
import time

import numpy as np

import score_data

XGBOOST = {"M1": (100, 6, .1), "M2": (500, 8, .03)}     # trees, depth, learning rate
LIGHTGBM = {"M3": (500, 63, .03), "M4": (1000, 255, .01)}   # trees, leaves, learning rate
# Sources that tl2cgen cuts a model into: the compiler's time grows faster than their size.
UNITS = {"M1": 8, "M2": 32, "M3": 100, "M4": 250}


class Maker:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        """An artifact, made when it is not there."""
        path = self.folder / name
        if not path.exists():
            model, _, kind = name.partition(".")
            start = time.time()
            self.recipe(model, kind)(model, path)
            print(f"made {name} in {time.time() - start:.0f} s", file=sys.stderr, flush=True)
        return path

    def recipe(self, model, kind):
        if kind == "npz":
            return lambda model, path: score_data.make(self.folder)
        if kind in ("json", "ubj", "txt"):
            return self.train_xgboost if model in XGBOOST else self.train_lightgbm
        if kind == "onnx":
            return {"M5": self.train_logistic, "M6": self.train_perceptron}.get(model, self.convert_onnx)
        return {"tl2cgen.so": self.compile_tl2cgen, "lleaves.so": self.compile_lleaves, "ydf": self.import_ydf,
                "ydf.so": self.compile_ydf}[kind]

    def data(self):
        return np.load(self.path("data.npz"))

    def training(self):
        data, rows = self.data(), score_data.TRAINING_ROWS
        return data["table"][:rows], data["target"][:rows]

    def train_xgboost(self, model, _):
        import xgboost
        trees, depth, rate = XGBOOST[model]
        booster = xgboost.train(
            dict(objective="binary:logistic", max_depth=depth, eta=rate, tree_method="hist", min_child_weight=.02, nthread=2, seed=1),
            xgboost.DMatrix(*self.training()), trees)
        for kind in ("json", "ubj"):
            booster.save_model(self.folder / f"{model}.{kind}")

    def train_lightgbm(self, model, path):
        import lightgbm
        trees, leaves, rate = LIGHTGBM[model]
        lightgbm.train(
            dict(objective="binary", num_leaves=leaves, learning_rate=rate, min_data_in_leaf=20, verbose=-1, num_threads=1,
                 force_row_wise=True, seed=1, max_bin=255), lightgbm.Dataset(*self.training()), trees).save_model(path)

    def train_logistic(self, model, path):
        import scipy.sparse as sparse
        from sklearn.linear_model import LogisticRegression
        data = self.data()
        places, rows = data["places"][:score_data.TRAINING_ROWS], score_data.TRAINING_ROWS
        hot = sparse.csr_matrix((np.ones(places.size, np.float32), places.ravel(),
                                 np.arange(0, places.size + 1, places.shape[1])), shape=(rows, score_data.ONE_HOT_WIDTH))
        table = sparse.hstack([hot, sparse.csr_matrix(data["numeric"][:rows])]).tocsr()
        fitted = LogisticRegression(C=1., max_iter=200, tol=1e-3).fit(table, data["target"][:rows])
        write_gemm(path, [(fitted.coef_.T, fitted.intercept_)], table.shape[1])

    def train_perceptron(self, model, path):
        from sklearn.neural_network import MLPClassifier
        data, rows = self.data(), score_data.TRAINING_ROWS
        fitted = MLPClassifier((256, 128), max_iter=3, batch_size=512, random_state=1).fit(
            data["everything"][:rows], data["target"][:rows])
        write_gemm(path, list(zip(fitted.coefs_, fitted.intercepts_)), data["everything"].shape[1])

    def convert_onnx(self, model, path):
        from onnxmltools.convert.common.data_types import FloatTensorType
        inputs = [("X", FloatTensorType([None, 40]))]
        if model in XGBOOST:
            import xgboost
            from onnxmltools import convert_xgboost
            classifier = xgboost.XGBClassifier()
            classifier.load_model(self.path(f"{model}.json"))
            converted = convert_xgboost(classifier, initial_types=inputs, target_opset=15)
        else:
            import lightgbm
            from onnxmltools import convert_lightgbm
            converted = convert_lightgbm(lightgbm.Booster(model_file=self.path(f"{model}.txt")), initial_types=inputs,
                                         target_opset=15, zipmap=False)
        path.write_bytes(converted.SerializeToString())

    def compile_tl2cgen(self, model, path):
        import tl2cgen
        import treelite
        loaded = (treelite.frontend.load_xgboost_model(self.path(f"{model}.json")) if model in XGBOOST
                  else treelite.frontend.load_lightgbm_model(self.path(f"{model}.txt")))
        tl2cgen.export_lib(loaded, toolchain="gcc", libpath=path, params={"parallel_comp": UNITS[model], "quantize": 0}, nthread=2)

    def compile_lleaves(self, model, path):
        """Runs in an environment of its own: lleaves needs an old llvmlite. M4 without inlining, which does not end otherwise."""
        import lleaves
        compiled = path.with_suffix(".o")
        compiled.unlink(missing_ok=True)
        lleaves.Model(model_file=self.folder / f"{model}.txt").compile(cache=compiled, finline=model != "M4")
        subprocess.run(["cc", "-shared", "-o", path, compiled, "-lm"], check=True)

    def import_ydf(self, model, path):
        import score_ydf
        score_ydf.rebuild(self, model, path)

    def compile_ydf(self, model, path):
        import score_ydf
        score_ydf.compile_standalone(self.path(f"{model}.ydf"), path)


def write_gemm(path, layers, width):
    """Dense layers with ReLU between them and a sigmoid at the end, as ONNX."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    nodes, weights, current = [], [], "X"
    for index, (matrix, bias) in enumerate(layers):
        weights += [numpy_helper.from_array(matrix.astype(np.float32), f"W{index}"),
                    numpy_helper.from_array(bias.astype(np.float32), f"b{index}")]
        is_last = index == len(layers) - 1
        following = "Y" if is_last else f"r{index}"
        nodes += [helper.make_node("Gemm", [current, f"W{index}", f"b{index}"], [f"g{index}"]),
                  helper.make_node("Sigmoid" if is_last else "Relu", [f"g{index}"], [following])]
        current = following
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", width])],
                              [helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["N", 1])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def xgboost_trees(path):
    """The trees of a model in JSON, and its base score."""
    learner = json.loads(path.read_text())["learner"]
    base = np.array(json.loads(learner["learner_model_param"]["base_score"])).ravel()[0]
    return learner["gradient_booster"]["model"]["trees"], float(base)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    maker = Maker(pathlib.Path(sys.argv[1]))
    for artifact in sys.argv[2:]:
        maker.path(artifact)
