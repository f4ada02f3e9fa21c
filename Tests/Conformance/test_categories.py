"""A CatBoost classifier over columns of categories: clients send the texts, and every form of request has the library's answers."""

import csv
import io
import json
import pathlib
import tarfile

import pytest

from goldens import values, worst_difference
from programs import wait_until

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "Data" / "Vectors" / "Models"
TEXT_COLUMNS = (3, 4, 5)


def bundle(folder, model):
    """model.tar.gz with the model and what the library answered, which the sidecar asks before the model goes live."""
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in (model, "golden.csv"):
            content = (VECTORS / "catboost-combinations" / name).read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def json_value(column, field):
    if not field:
        return None
    if column not in TEXT_COLUMNS:
        return float(field)
    # An integer is the text of its digits, however it is written.
    return int(field) if field.isdigit() and column == 4 else field


@pytest.mark.parametrize("model", ["model.cbm", "model.json"])
def test_texts_are_answered_as_by_the_library(house, folder, model):
    house.push("ads", bundle(folder, model))
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    with open(VECTORS / "catboost-combinations" / "golden.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    width = header.index("margin")
    expected = [float(row[header.index("prediction")]) for row in rows]
    features = [row[:width] for row in rows]
    assert any(not field for row in features for field in row) and any("категория" in row[3] for row in features)

    def ask(body, content_type):
        status, _, text = house.executor.predict(body.encode(), content_type)
        assert status == 200, text
        return text

    lines = "\n".join(",".join(row) for row in features)
    assert worst_difference(values(ask(lines, "text/csv")), expected) <= 1e-15
    quoted = "\n".join(",".join(f'"{field}"' if column in TEXT_COLUMNS else field for column, field in enumerate(row)) for row in features)
    assert worst_difference(values(ask(quoted, "text/csv")), expected) <= 1e-15
    # Columns by their names, in another order; the model's columns have none, and so are called by their numbers.
    order = [5, 3, 0, 4, 2, 1]
    named = "\n".join([",".join(map(str, order))] + [",".join(row[column] for column in order) for row in features])
    assert worst_difference(values(ask(named, "text/csv; header=present")), expected) <= 1e-15
    objects = [[json_value(column, field) for column, field in enumerate(row)] for row in features]
    answered = json.loads(ask(json.dumps({"instances": objects}), "application/json"))["predictions"]
    assert worst_difference(answered, expected) <= 1e-15
    by_name = "\n".join(
        json.dumps({str(column): value for column, value in enumerate(row) if value is not None}, ensure_ascii=False)
        for row in objects)
    answered = [json.loads(line)["score"] for line in ask(by_name, "application/jsonlines").splitlines()]
    assert worst_difference(answered, expected) <= 1e-15


def test_a_number_with_a_fraction_is_no_category(house, folder):
    house.push("ads", bundle(folder, "model.cbm"))
    wait_until("the model is live", lambda: house.executor.ping() == 200)
    status, _, text = house.executor.predict(json.dumps([[0, 0, 0, 1.5, "c1", "c1"]]), "application/json")
    assert status == 400 and "row 1, column 4" in text and "neither a text nor an integer" in text
    status, _, text = house.executor.predict(json.dumps([["a", 0, 0, "a", "c1", "c1"]]), "application/json")
    assert status == 400 and "row 1, column 1" in text
