#!/usr/bin/env python3
"""Trains the models of one release for Scripts/make-release-matrix: boosters, objectives, outputs and forms of file.

usage: Scripts/release_models.py LIBRARY FOLDER        (LIBRARY: xgboost, lightgbm or catboost; the installed one is asked)

Each case becomes a folder: the model in each form that the release writes, and answers.csv with what the release answers for
the rows of rows.csv when it has read the first form back. Where another form read back answers otherwise, answers.FORM.csv
has that. A case of a kind that the release does not know is left out and named.
"""

import pathlib
import pickle
import sys
import tempfile
import warnings

import numpy

warnings.filterwarnings("ignore")
FEATURES, ROWS, ASKED = 6, 200, 16
random = numpy.random.RandomState(7)


def make_data():
    """[200, 6]: four numbers of different sizes, two of small integers; one in ten is missing."""
    rows = numpy.column_stack([
        random.normal(0, 1, ROWS), random.lognormal(0, 1, ROWS), random.normal(0, 1e-3, ROWS),
        random.choice([0.0, 0.5, 1.0, -2.5], ROWS), random.randint(0, 5, ROWS), random.randint(0, 12, ROWS)])
    # Fewer digits, which are exact in float32: files pack better.
    rows = numpy.round(rows * 4096) / 4096
    known = rows.copy()
    rows[random.uniform(size=rows.shape) < 0.1] = numpy.nan
    target = known[:, 0] + numpy.sin(known[:, 1]) + 300 * known[:, 2] + known[:, 4] % 2 - 0.7 * (known[:, 5] % 3 == 1)
    return rows, target


data, target = make_data()
asked = data[:ASKED].copy()
asked[0], asked[1], asked[2, :4], asked[2, 4:] = numpy.nan, 0.0, 1000.0, 3
asked[3:5, :4] = -asked[3:5, :4]
LABELS = {
    "number": target, "positive": (target > 1).astype(float), "count": numpy.maximum(0, numpy.round(target + 1)),
    "amount": numpy.exp(target / 4), "class": numpy.digitize(target, numpy.quantile(target, [0.3, 0.7])).astype(float),
    "share": 1 / (1 + numpy.exp(-target)), "relevance": numpy.clip(numpy.round(target + 1), 0, 4),
    "time": numpy.exp(target / 4) * numpy.where(random.uniform(size=ROWS) < 0.2, -1, 1),
    "targets": numpy.column_stack([target, 3 - 2 * target]),
    "labels": numpy.column_stack([target > 1, target > 0, target < -1]).astype(float),
}


def write_answers(path, margins, predictions):
    margins, predictions = (numpy.asarray(values, dtype=float).reshape(len(asked), -1) for values in (margins, predictions))
    lines = [",".join(["margin"] * margins.shape[1] + ["prediction"] * predictions.shape[1])]
    lines += [",".join(repr(float(value)) for value in row) for row in numpy.hstack([margins, predictions])]
    path.write_text("\n".join(lines) + "\n")


def write_rows(folder):
    folder.mkdir(parents=True, exist_ok=True)
    lines = [",".join("" if numpy.isnan(value) else repr(float(value)) for value in row) for row in asked]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")


def write_case(folder, forms, answer):
    """Writes the forms of one model; `answer` reads a form back and answers margins and predictions."""
    folder.mkdir()
    first = None
    for name, content in forms.items():
        (folder / name).write_bytes(content)
        try:
            answers = [numpy.asarray(values, dtype=float) for values in answer(name, content)]
        except Exception as error:
            print(f"case {folder.name}: {name} is not read back: {str(error).splitlines()[0][:120]}")
            (folder / (name + ".unread")).write_text("")
            continue
        if first is None:
            first = answers
            write_answers(folder / "answers.csv", *answers)
        elif not all(numpy.allclose(one, other, rtol=1e-12, atol=1e-12, equal_nan=True) for one, other in zip(first, answers)):
            print(f"case {folder.name}: {name} answers otherwise")
            write_answers(folder / f"answers.{name}.csv", *answers)


def attempt(folder, name, make):
    try:
        write_case(folder / name, *make())
    except Exception as error:
        print(f"case {name} left out: {(str(error) or type(error).__name__).splitlines()[0][:120]}")


# XGBoost

def xgboost_cases():
    """(name, label, settings); the objective's name without its colon, and the booster where it is not gbtree."""
    trees = {"max_depth": 3, "eta": 0.5, "tree_method": "hist"}
    linear = {"booster": "gblinear", "updater": "coord_descent", "feature_selector": "cyclic", "eta": 0.5}
    dart = dict(trees, booster="dart", rate_drop=0.5)
    classes, quantiles = {"num_class": 3}, {"quantile_alpha": [0.2, 0.5, 0.8]}
    single = [("reg:squarederror", "number"), ("reg:logistic", "share"), ("binary:logistic", "positive"), ("rank:pairwise", "relevance"), ("count:poisson", "count")]
    single_of_trees = [
        ("reg:linear", "number"), ("reg:squaredlogerror", "amount"), ("reg:pseudohubererror", "number"), ("reg:absoluteerror", "number"),
        ("binary:logitraw", "positive"), ("binary:hinge", "positive"), ("rank:ndcg", "relevance"),
        ("rank:map", "positive"), ("reg:gamma", "amount"), ("reg:tweedie", "count"), ("survival:cox", "time"), ("survival:aft", "time")]
    for objective, label in single:
        for settings in (trees, dart, linear):
            yield objective, label, settings
    for objective, label in single_of_trees:
        yield objective, label, trees
    for settings in (trees, dart, linear):
        for objective in ("multi:softprob", "multi:softmax"):
            yield objective, "class", dict(settings, **classes)
        yield "reg:squarederror", "targets", settings
        yield "binary:logistic", "labels", settings
        yield "reg:quantileerror", "number", dict(settings, **quantiles)
    yield "reg:quantileerror", "number", dict(trees, quantile_alpha=0.3, case="one")
    yield "reg:absoluteerror", "targets", trees
    yield "reg:expectileerror", "number", dict(trees, expectile_alpha=0.3, case="one")
    yield "reg:expectileerror", "number", dict(trees, expectile_alpha=[0.2, 0.8], case="several")
    yield "binary:logistic", "positive", dict(trees, base_score=0.2, case="base")
    yield "binary:logistic", "positive", dict(linear, base_score=0.2, case="base")
    yield "reg:squarederror", "number", dict(dart, one_drop=1, skip_drop=0.3, normalize_type="forest", case="forest")
    yield "reg:squarederror", "number", dict(trees, num_parallel_tree=3, subsample=0.6, case="forest")
    yield "multi:softprob", "class", dict(trees, num_parallel_tree=2, subsample=0.6, case="forest", **classes)
    yield "binary:logistic", "positive", dict(trees, tree_method="exact", gamma=2.0, case="pruned")
    yield "binary:logistic", "positive", dict(trees, case="categories", categories=True, max_cat_to_onehot=3)
    yield "binary:logistic", "positive", dict(trees, case="named", names=True)
    yield "rank:ndcg", "relevance", dict(trees, case="unbiased", lambdarank_unbiased=True)
    yield "reg:squarederror", "targets", dict(trees, multi_strategy="multi_output_tree", case="vector-leaf")
    yield "multi:softprob", "class", dict(trees, multi_strategy="multi_output_tree", case="vector-leaf", **classes)


def xgboost_model(name, objective, label, settings):
    import xgboost

    version = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
    settings = dict(settings)
    case = settings.pop("case", None)
    keywords = {}
    rows, questions = data.astype(numpy.float32), asked.astype(numpy.float32)
    if settings.pop("categories", False):
        if version < (1, 6):
            raise ValueError("no categories from arrays")
        keywords = {"feature_types": ["q"] * 4 + ["c"] * 2, "enable_categorical": True}
    if settings.pop("names", False):
        keywords["feature_names"] = ["a", "b b", "c=c", "d", "e", "\u00e9"]
    if version < (1, 6) and LABELS[label].ndim > 1 or version < (2, 0) and ("quantile" in objective or "multi_strategy" in settings or "lambdarank_unbiased" in settings):
        raise ValueError("not yet there")
    if version < (0, 90):
        objective = objective.replace("reg:squarederror", "reg:linear")
    if version < (1, 0) and objective in ("reg:squaredlogerror", "survival:aft", "reg:pseudohubererror"):
        raise ValueError("not yet there")
    train = xgboost.DMatrix(rows, None if objective == "survival:aft" else LABELS[label], **keywords)
    if objective.startswith("rank:"):
        train.set_group([20] * 10)
    if objective == "survival:aft":
        train.set_float_info("label_lower_bound", abs(LABELS[label]))
        train.set_float_info("label_upper_bound", numpy.where(LABELS[label] < 0, numpy.inf, LABELS[label]))
    parameters = {"objective": objective, "seed": 1, "nthread": 1, "verbosity": 0, **settings}
    booster = xgboost.train(parameters, train, 4 if "num_class" not in settings and LABELS[label].ndim == 1 else 3)

    # Every form of some models; of the others the first, since a form has one reader for all.
    is_whole = objective in ("binary:logistic", "multi:softprob") or LABELS[label].ndim > 1 or case is not None
    names = ["json"] * (version >= (1, 0)) + ["ubj"] * (version >= (1, 6)) + ["deprecated"] * (version < (3, 1))
    forms = {}
    with tempfile.TemporaryDirectory() as place:
        for form in names if is_whole else names[:1]:
            path = pathlib.Path(place, "model." + form)
            try:
                booster.save_model(str(path))
                forms["model." + form] = path.read_bytes()
            except Exception as error:
                print(f"case {name}: no {form}: {str(error).splitlines()[0][:100]}")
    if case is None and objective == "binary:logistic" and label == "positive":
        forms["model.buffer"] = bytes(booster.__getstate__()["handle"])
        forms["model.pickle"] = pickle.dumps(booster, protocol=4)

    def answer(form, content):
        other = xgboost.Booster({"nthread": 1})
        if form == "model.pickle":
            other = pickle.loads(content)
        elif form == "model.buffer":
            state = booster.__getstate__()
            state["handle"] = bytearray(content)
            other.__setstate__(state)
        else:
            with tempfile.TemporaryDirectory() as place:
                path = pathlib.Path(place, form)
                path.write_bytes(content)
                other.load_model(str(path))
        matrix = xgboost.DMatrix(questions, **keywords)
        if objective.startswith("rank:"):
            matrix.set_group([len(questions)])
        # Before 1.0 a dart booster drops trees in prediction unless it is told how many to use.
        limit = {"ntree_limit": 1000} if version < (1, 0) and settings.get("booster") == "dart" else {}
        return other.predict(matrix, output_margin=True, **limit), other.predict(matrix, **limit)

    if not forms:
        raise ValueError("no form of file")
    # A release may take a setting that it does not know without a word.
    if "multi_strategy" in settings and b"size_leaf_vector" not in forms["model.json"]:
        raise ValueError("not yet there")
    return forms, answer


def xgboost_main(folder):
    seen = set()
    for objective, label, settings in xgboost_cases():
        parts = [settings.get("booster", "gbtree"), objective.replace(":", "-")]
        parts += [label] * (label in ("targets", "labels")) + [settings.get("case")] * ("case" in settings)
        name = "-".join(parts)
        if name not in seen:
            seen.add(name)
            attempt(folder, name, lambda: xgboost_model(name, objective, label, settings))


# LightGBM

def lightgbm_cases():
    single = [
        ("regression", "number"), ("regression_l1", "number"), ("huber", "number"), ("fair", "number"), ("quantile", "number"),
        ("mape", "amount"), ("poisson", "count"), ("gamma", "amount"), ("tweedie", "count"), ("binary", "positive"),
        ("cross_entropy", "share"), ("cross_entropy_lambda", "share"), ("lambdarank", "relevance"), ("rank_xendcg", "relevance")]
    classes = {"num_class": 3}
    for objective, label in single:
        yield objective, label, {}
    for boosting in ({"boosting": "dart", "drop_rate": 0.5}, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.9}):
        for objective, label in (single[0], single[6], single[9], single[12]):
            yield objective, label, boosting
        yield "multiclass", "class", dict(boosting, **classes)
    yield "regression", "number", {"boosting": "goss"}
    yield "multiclass", "class", classes
    yield "multiclassova", "class", dict(classes, sigmoid=1.5)
    yield "none", "number", {}
    yield "regression", "number", {"case": "sqrt", "reg_sqrt": True}
    yield "regression", "number", {"case": "l2-linear", "linear_tree": True}
    yield "binary", "positive", {"case": "sigmoid", "sigmoid": 1.7, "boost_from_average": False}
    yield "binary", "positive", {"case": "unbalanced", "is_unbalance": True}
    yield "binary", "positive", {"case": "zero-missing", "zero_as_missing": True}
    yield "binary", "positive", {"case": "no-missing", "use_missing": False}
    yield "binary", "positive", {"case": "categories", "categories": [4, 5]}
    yield "binary", "positive", {"case": "monotone", "monotone_constraints": [1, 0, 0, 0, 0, 0]}
    yield "regression", "number", {"case": "constant", "min_data_in_leaf": 1000}


def lightgbm_model(objective, label, settings):
    import lightgbm

    version = tuple(int(part) for part in str(lightgbm.__version__).split(".")[:2])
    settings = dict(settings)
    settings.pop("case", None)
    if "linear_tree" in settings and version < (3, 2):
        raise ValueError("not yet there")
    base = {"num_leaves": 7, "learning_rate": 0.3, "num_threads": 1, "seed": 1, "verbose": -1, "min_data_in_leaf": 5}
    categories = settings.pop("categories", [])
    if categories:
        base.update(min_data_per_group=5, cat_smooth=1)
    group = [20] * 10 if objective in ("lambdarank", "rank_xendcg") else None
    parameters = {**base, "objective": objective, **settings}
    train = lightgbm.Dataset(data, LABELS[label], group=group, categorical_feature=categories, free_raw_data=False, params=parameters)
    keywords = {}
    if objective == "none" and version < (4, 0):
        keywords["fobj"] = lambda predictions, rows: (predictions - rows.get_label(), numpy.ones(ROWS))
    elif objective == "none":
        parameters["objective"] = lambda predictions, rows: (predictions - rows.get_label(), numpy.ones(ROWS))
    booster = lightgbm.train(parameters, train, 3, **keywords)
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "model.txt")
        booster.save_model(str(path))
        content = path.read_bytes()

    def answer(form, content):
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place, form)
            path.write_bytes(content)
            other = lightgbm.Booster(model_file=str(path))
        return other.predict(asked, raw_score=True), other.predict(asked)

    return {"model.txt": content}, answer


def lightgbm_main(folder):
    for objective, label, settings in lightgbm_cases():
        name = "-".join([settings.get("boosting", "gbdt"), objective] + [settings.get("case")] * ("case" in settings))
        attempt(folder, name, lambda: lightgbm_model(objective, label, settings))


# CatBoost

def catboost_cases():
    for loss, label, kind in [
            ("RMSE", "number", "RawFormulaVal"), ("MAE", "number", "RawFormulaVal"), ("Quantile:alpha=0.3", "number", "RawFormulaVal"),
            ("MultiQuantile:alpha=0.2,0.8", "number", "RawFormulaVal"), ("Poisson", "count", "Exponent"),
            ("Tweedie:variance_power=1.5", "count", "Exponent"), ("Logloss", "positive", "Probability"), ("CrossEntropy", "share", "Probability"),
            ("MultiClass", "class", "Probability"), ("MultiClassOneVsAll", "class", "Probability"), ("MultiRMSE", "targets", "RawFormulaVal"),
            ("MultiLogloss", "labels", "Probability"), ("YetiRank", "relevance", "RawFormulaVal"), ("PairLogit", "relevance", "RawFormulaVal")]:
        yield loss, label, kind, {}
    for policy in ("Depthwise", "Lossguide"):
        yield "Logloss", "positive", "Probability", {"grow_policy": policy, "case": policy.lower()}
        yield "MultiClass", "class", "Probability", {"grow_policy": policy, "case": policy.lower()}
    yield "Logloss", "positive", "Probability", {"case": "nan-max", "nan_mode": "Max"}
    yield "RMSE", "number", "RawFormulaVal", {"case": "no-bias", "boost_from_average": False}
    yield "Logloss", "positive", "Probability", {"case": "one-hot", "categories": [4, 5], "one_hot_max_size": 20}
    yield "Logloss", "positive", "Probability", {"case": "ctr", "categories": [4, 5], "one_hot_max_size": 1, "max_ctr_complexity": 2}


def catboost_model(loss, label, kind, settings):
    import catboost

    settings = dict(settings)
    settings.pop("case", None)
    categories = settings.pop("categories", [])
    rows, questions = data.astype(object), asked.astype(object)
    for column in categories:
        for table in (rows, questions):
            table[:, column] = ["" if numpy.isnan(value) else str(int(value)) for value in table[:, column].astype(float)]
    if not categories:
        rows, questions = data.astype(numpy.float32), asked.astype(numpy.float32)
    group = [row // 20 for row in range(ROWS)] if loss in ("YetiRank", "PairLogit") else None
    model = catboost.CatBoost({
        "loss_function": loss, "iterations": 4, "depth": 3, "random_seed": 1, "thread_count": 1, "verbose": False,
        "allow_writing_files": False, "learning_rate": 0.5, "border_count": 16, **settings})
    model.fit(catboost.Pool(rows, LABELS[label], cat_features=categories, group_id=group))
    pool = catboost.Pool(rows, LABELS[label], cat_features=categories, group_id=group)
    forms = {}
    with tempfile.TemporaryDirectory() as place:
        for form in ("cbm", "json"):
            path = pathlib.Path(place, "model." + form)
            model.save_model(str(path), format=form, pool=pool)
            forms["model." + form] = path.read_bytes()

    def answer(form, content):
        other = catboost.CatBoost()
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place, form)
            path.write_bytes(content)
            other.load_model(str(path), format=form.split(".")[1])
        questioned = catboost.Pool(questions, cat_features=categories)
        predictions = other.predict(questioned, prediction_type=kind, thread_count=1)
        if label in ("positive", "share"):
            predictions = predictions[:, 1]
        return other.predict(questioned, prediction_type="RawFormulaVal", thread_count=1), predictions

    return forms, answer


def catboost_main(folder):
    for loss, label, kind, settings in catboost_cases():
        name = "-".join([loss.split(":")[0].lower()] + [settings.get("case")] * ("case" in settings))
        attempt(folder, name, lambda: catboost_model(loss, label, kind, settings))


if __name__ == "__main__":
    output = pathlib.Path(sys.argv[2])
    write_rows(output)
    {"xgboost": xgboost_main, "lightgbm": lightgbm_main, "catboost": catboost_main}[sys.argv[1]](output)
