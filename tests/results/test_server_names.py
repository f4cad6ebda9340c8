"""Names of models behind servers: property tests of `named_by_server` and of the whole way from a results file."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.results.results_file import RunConfig
from lm_eval_illusion.results.run_variants import variant_of_run
from lm_eval_illusion.results.server_names import named_by_server
from tests.results.test_servers import CONFIGS

ORDERS = st.permutations(["model", "base_url", "tokenizer", "max_length"])


def variants(configs, orders=None, form=dict):
    found = []
    for number, (model, host, path) in enumerate(configs):
        given = {"model": model, "base_url": f"http://{host}{path}/v1/completions", "tokenizer": "t", "max_length": 9}
        order = orders[number] if orders else given
        found.append(
            variant_of_run(RunConfig("local-completions", form({name: given[name] for name in order})), Path("r.json"))
        )
    return found


def text(arguments):
    return ",".join(f"{name}={value}" for name, value in arguments.items())


def ids(configs, *rest):
    return [(*variant.key, variant.identity) for variant in named_by_server(variants(configs, *rest))]


def address(config):
    model, host, path = config
    return model, host.removesuffix(":80"), path


@given(st.lists(CONFIGS, min_size=1, max_size=6))
def test_two_models_or_servers_never_have_one_name(configs):
    found = ids(configs)
    names = {address(config): found[number] for number, config in enumerate(configs)}
    # One name for each model and server, and never the same for two.
    assert [names[address(config)] for config in configs] == found
    assert len(set(names.values())) == len(names)
    assert len({(base_model, identity) for base_model, _, identity in names.values()}) == len(names)


@given(CONFIGS, CONFIGS)
def test_two_servers_are_two_identities(first, second):
    # Also before the names are known: two runs of one name and of several identities are never joined.
    one, two = variants([first, second])
    assert (one.identity == two.identity) == (address(first)[1:] == address(second)[1:])


@given(st.lists(st.tuples(CONFIGS, ORDERS), min_size=1, max_size=4), st.sampled_from([dict, text, json.dumps]))
def test_names_do_not_depend_on_the_order_or_form_of_arguments(given_, form):
    configs, orders = zip(*given_, strict=True)
    assert ids(configs, orders, form) == ids(configs)


@given(st.lists(CONFIGS, min_size=1, max_size=5), st.randoms())
def test_names_do_not_depend_on_the_order_of_runs(configs, random):
    shuffled = list(configs)
    random.shuffle(shuffled)
    assert dict(zip(shuffled, ids(shuffled), strict=True)) == dict(zip(configs, ids(configs), strict=True))


def test_the_name_of_the_server_only_where_it_is_needed():
    configs = [("m", "gpu1:8000", ""), ("n", "gpu1:8000", "")]
    assert [name for name, *_ in ids(configs)] == ["m", "n"]
    assert [name for name, *_ in ids([*configs, ("m", "gpu2", "")])] == ["m@gpu1:8000", "n", "m@gpu2"]
