"""The rows of an ItemDataset are those of the plain dataset, in all ways to iterate, and belong to their reader."""

from __future__ import annotations

import pickle

import pytest
from datasets import Dataset

from lm_eval_illusion.item_dataset import ItemDataset
from lm_eval_illusion.items import embedded_dataset, embedded_items

ROWS = [
    {"id": "a", "gold": 1, "choices": ["x", "ü"], "more": {"share": 0.5, "names": []}},
    {"id": "b", "gold": 0, "choices": [], "more": None, "late": "only here"},
]


@pytest.mark.parametrize(
    "change",
    [
        lambda dataset: dataset,
        lambda dataset: dataset.select([1, 0, 1]),
        lambda dataset: dataset.with_format("numpy", columns=["gold"]),
        lambda dataset: dataset.select_columns(["more", "id"]),
        lambda dataset: dataset.map(lambda row: {"gold": row["gold"] + 1}),
        lambda dataset: dataset.filter(lambda row: row["gold"] == 0),
        lambda dataset: pickle.loads(pickle.dumps(dataset)),
    ],
)
def test_the_rows_are_those_of_the_plain_dataset(change):
    found, expected = (change(kind.from_list(ROWS)) for kind in (ItemDataset, Dataset))
    assert list(found) == list(expected)
    assert [list(row) for row in found] == [list(row) for row in expected]
    assert found.features == expected.features
    assert [found[number] for number in range(len(found))] == list(expected)


def test_a_changed_row_changes_no_other_reading():
    dataset = embedded_dataset("en")
    for row in dataset:
        row["choices"].append("changed")
    assert list(dataset) == [dict(item) for item in embedded_items("en")]
