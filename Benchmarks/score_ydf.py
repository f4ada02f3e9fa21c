"""YDF over the anchor models: their trees rebuilt node for node, its own engines, and the C++ that it generates.

YDF's fast engines know only mean imputation of missing values, so default directions become the side that the mean takes: the same
shape, other answers for rows with missing values. It is not an exact peer. Its engines are timed by its own benchmark: mean only, and
the time to fill its rows is not in it.

usage: score_ydf.py FOLDER MODEL SECONDS BATCH...      prints engine,batch,mean (ns a row)
       score_ydf.py FOLDER impute                       only writes rows-imputed.f32
"""
import pathlib
import subprocess
import sys

import numpy as np

import score_data
import score_models

NAMES = [f"f{index:02d}" for index in range(40)]


def columns(table, target=None):
    named = {name: np.ascontiguousarray(table[:, index]) for index, name in enumerate(NAMES)}
    return named if target is None else {**named, "y": target}


def means(maker):
    return np.nanmean(maker.training()[0], 0)


def imputed(maker):
    """The rows with the mean where a value is missing; kept, for the C harness as well."""
    path = maker.folder / "rows-imputed.f32"
    if not path.exists():
        rows = np.fromfile(maker.folder / "rows.f32", np.float32).reshape(-1, 40)
        np.where(np.isnan(rows), means(maker), rows).astype(np.float32).tofile(path)
    return np.fromfile(path, np.float32).reshape(-1, 40)


class Rebuilder:
    def __init__(self, mean, places):
        from ydf import tree
        self.tree, self.mean, self.places = tree, mean, places

    def leaf(self, value):
        return self.tree.Leaf(value=self.tree.RegressionValue(value=float(value), num_examples=1.0))

    def split(self, feature, threshold, left, right):
        """Right when the value is at least the threshold."""
        condition = self.tree.NumericalHigherThanCondition(
            missing=bool(self.mean[feature] >= threshold), score=1.0, attribute=self.places[feature], threshold=float(threshold))
        return self.tree.NonLeaf(condition=condition, pos_child=right, neg_child=left)

    def xgboost(self, path):
        trees, base = score_models.xgboost_trees(path)
        for tree in trees:
            left, right, values, features = (
                tree[key] for key in ("left_children", "right_children", "split_conditions", "split_indices"))

            def grow(node):
                if left[node] < 0:
                    return self.leaf(values[node])
                return self.split(features[node], np.float32(values[node]), grow(left[node]), grow(right[node]))
            yield grow(0)
        yield float(np.log(base / (1 - base)))

    def lightgbm(self, path):
        import lightgbm
        for tree in lightgbm.Booster(model_file=path).dump_model()["tree_info"]:
            def grow(node):
                if "leaf_value" in node:
                    return self.leaf(node["leaf_value"])
                # x <= t of doubles is x < the next float32 above t for floats.
                threshold = np.float32(node["threshold"])
                if float(threshold) <= node["threshold"]:
                    threshold = np.nextafter(threshold, np.float32(np.inf))
                return self.split(node["split_feature"], threshold, grow(node["left_child"]), grow(node["right_child"]))
            yield grow(tree["tree_structure"])
        yield 0.0


def rebuild(maker, model, path):
    import ydf
    table, target = maker.training()
    learner = ydf.GradientBoostedTreesLearner(
        label="y", num_trees=1, max_depth=2, early_stopping="NONE", validation_ratio=0., num_threads=1,
        features=[ydf.Feature(name, ydf.Semantic.NUMERICAL) for name in NAMES])
    shell = learner.train(columns(table, target.astype(str)), verbose=0)
    by_name = {shell.data_spec().columns[index].name: index for index in shell.input_features_col_idxs()}
    rebuilder = Rebuilder(means(maker), [by_name[name] for name in NAMES])
    *trees, start = (rebuilder.xgboost(maker.path(f"{model}.json")) if model in score_models.XGBOOST
                     else rebuilder.lightgbm(maker.path(f"{model}.txt")))
    while shell.num_trees():
        shell.remove_tree(0)
    for tree in trees:
        shell.add_tree(ydf.tree.Tree(root=tree))
    shell.set_initial_predictions(np.array([start], np.float32))
    shell.save(str(path))


def compile_standalone(model_path, path):
    import ydf
    source = ydf.load_model(str(model_path)).to_standalone_cc(name="ydf_m", algorithm="ROUTING", classification_output="PROBABILITY")
    header, glue = path.with_suffix(".h"), path.with_suffix(".cc")
    header.write_text(source if isinstance(source, str) else "\n".join(source.values()))
    glue.write_text(f'#include "{header.name}"\nextern "C" void ydf_rows(const float *rows, double *outputs, int count) {{\n'
                    "    for (int i = 0; i < count; i++)\n"
                    "        outputs[i] = ydf_m::Predict(*reinterpret_cast<const ydf_m::Instance *>(rows + i * 40));\n}\n")
    subprocess.run(["c++", "-std=c++20", "-Dinf=__builtin_inff()", "-O3", "-march=native", "-w", "-fPIC", "-shared", "-o", path, glue],
                   check=True)


def main(folder, model, seconds, batches):
    import ydf
    maker = score_models.Maker(pathlib.Path(folder))
    loaded, rows = ydf.load_model(f"{folder}/{model}.ydf"), columns(imputed(maker))
    for engine in loaded.list_compatible_engines():
        if "Generic" in engine:
            continue
        loaded.force_engine(engine)
        for batch in batches:
            result = loaded.benchmark(rows, benchmark_duration=seconds, warmup_duration=seconds / 3, batch_size=batch, num_threads=1)
            each = result.duration_per_example
            each = each if isinstance(each, float) else each.total_seconds()
            print(f"ydf-{engine.replace('GradientBoostedTrees', '')},{batch},{each * 1e9:.1f}", flush=True)


if __name__ == "__main__":
    if sys.argv[2:] == ["impute"]:
        imputed(score_models.Maker(pathlib.Path(sys.argv[1])))
        sys.exit()
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), [int(batch) for batch in sys.argv[4:]])
