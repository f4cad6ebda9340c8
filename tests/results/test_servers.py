"""Runs of lm_eval's API classes: which model and which server answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion import cross_tabulate, load_outcomes
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.results_file import RunConfig, ServedConfig
from lm_eval_illusion.results.run_variants import variant_of_run
from lm_eval_illusion.results.runs import as_variants_of, find_runs
from lm_eval_illusion.results.servers import API_CLASSES, server_of
from tests.lm_eval_files import hits, write_run
from tests.lm_eval_runs import run_lm_eval
from tests.results.api_server import api_server, tokenizer

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}
URL = "http://gpu1:8000/v1/completions"


def models_of(folder, *configs):
    """Write a run for each configuration and return base model and variant of each, in their order."""
    for number, config in enumerate(configs):
        write_run(folder / str(number), VIEWS, illusion=None, config=config, date=f"2026-11-23T10-00-0{number}.000000")
    return [run.variant.key for run in sorted(find_runs([folder]), key=lambda run: str(run.results_file))]


def api(model_args, model="local-completions", **config):
    return {"model": model, "model_args": model_args, **config}


def test_real_runs_of_local_completions(tmp_path, capsys):
    pytest.importorskip("tenacity", reason="lm_eval's API classes need it: pip install lm-eval[api]")
    with api_server() as one, api_server() as two:
        secret = {"header": {"Authorization": "Bearer sk-hidden"}, "tokenizer": tokenizer()}
        with_key = f"http://user:sk-hidden@{two}/v1/completions?api_key=sk-hidden"
        run_lm_eval(
            tmp_path / "1", "local-completions", {"model": "a/llama", "base_url": f"http://{one}/v1/completions", **secret}
        )
        run_lm_eval(
            tmp_path / "2", "local-completions", f"model=b/llama,base_url=http://{one}/v1/completions,tokenizer={tokenizer()}"
        )
        run_lm_eval(tmp_path / "3", "local-completions", {"model": "a/llama", "base_url": with_key, **secret})
    models = {f"a/llama@{one}", f"a/llama@{two}", "b/llama"}
    # Two models on one server, and one name on two servers: three models.
    outcomes = load_outcomes([tmp_path])
    assert {outcome.variant.base_model for outcome in outcomes} == models
    assert len(outcomes) == 3 * 2
    # The names that are shown are those of --dense. Before, all three were local-completions, and could not be compared.
    assert main(["report", str(tmp_path), "--dense", f"a/llama@{one}", "--format", "json"]) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out[shown.out.index("{") :])
    assert [entry["variant"] for entry in report["variants"]] == ["dense", "llama", f"llama@{two}"]
    assert "hidden" not in shown.out + shown.err
    assert "user:" not in shown.out + shown.err


@pytest.mark.parametrize("model", [name for name in API_CLASSES if name != "served"])
def test_every_api_class_names_its_model(tmp_path, model):
    named = "engine" if model == "textsynth" else "model"
    assert models_of(tmp_path, api({named: "llama", "base_url": URL}, model)) == [("llama", "dense")]


def test_two_models_on_one_server_and_one_model_on_two(tmp_path):
    other = URL.replace("gpu1", "gpu2")
    found = models_of(
        tmp_path,
        api({"model": "a/m", "base_url": URL}),
        api({"model": "b/m", "base_url": URL}),
        api(f"model=a/m,base_url={other}"),
    )
    assert found == [("a/m@gpu1:8000", "dense"), ("b/m", "dense"), ("a/m@gpu2:8000", "dense")]
    # By --dense, the other two are variants of the first.
    runs = as_variants_of("a/m@gpu1:8000", find_runs([tmp_path]))
    assert {run.variant.key for run in runs} == {("a/m@gpu1:8000", name) for name in ("dense", "m", "m@gpu2:8000")}


def test_the_server_without_a_name_for_the_model(tmp_path):
    # llama.cpp's class asks for no name.
    urls = ["http://gpu1:8080", "http://gpu2:8080"]
    assert [name for name, _ in models_of(tmp_path, *(api(f"base_url={url}", "gguf") for url in urls))] == [
        "gguf@gpu1:8080",
        "gguf@gpu2:8080",
    ]


def test_a_model_at_hand_is_not_the_one_behind_a_server(tmp_path):
    found = models_of(tmp_path, api({"pretrained": "a/m"}, "hf"), api({"model": "a/m", "base_url": URL}))
    assert found == [("a/m", "dense"), ("a/m@gpu1:8000", "dense")]


def test_forms_of_the_same_configuration_are_one_model(tmp_path):
    plain = {"model": "a/m", "base_url": URL, "tokenizer": "x"}
    forms = [
        plain,
        json.dumps(plain),
        f"tokenizer=x,base_url={URL},model=a/m",
        f"pretrained=ignored,model=a/m,base_url={URL.replace('gpu1', 'GPU1')}",
        {"pretrained": "a/m", "base_url": "http://gpu1:8000/v1/chat/completions/", "auth_token": "x"},
    ]
    assert set(models_of(tmp_path, *map(api, forms))) == {("a/m", "dense")}
    identities = {run.variant.identity for run in find_runs([tmp_path])}
    assert len(identities) == 1


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        # RFC 5952: an IPv6 address has several spellings.
        ("http://[::1]:8000/v1", "http://[0:0:0:0:0:0:0:1]:8000/v1", True),
        ("http://[2001:DB8::1]/v1", "http://[2001:db8:0::0001]:80/v1", True),
        ("http://[2001:db8::1]/v1", "http://[2001:db8::2]/v1", False),
        # RFC 1034: a name that ends with a dot is whole. RFC 3490: its characters in ASCII.
        ("http://gpu1.lan:8000/v1", "http://GPU1.lan.:8000/v1", True),
        ("http://b\xfccher.de/v1", "http://xn--bcher-kva.de/v1", True),
        # RFC 3986, 6.2.2: escaped letters, the case of escapes, dots; an escaped slash is another name.
        ("http://gpu1/team%2da/v1", "http://gpu1/team-a/v1", True),
        ("http://gpu1/%c3%bc/v1", "http://gpu1/\xfc//v1/", True),
        ("http://gpu1/x/../v1/./completions", "http://gpu1/v1", True),
        ("http://gpu1/a%2fb/v1", "http://gpu1/a/b/v1", False),
        ("http://gpu1/%ff/v1", "http://gpu1/%fe/v1", False),
        ("http://gpu1/v1?team=a", "http://gpu1/v1?team=b", False),
    ],
)
def test_spellings_of_an_address_are_one_server(one, other, is_same):
    first, second = (server_of(RunConfig("local-completions"), {"base_url": url}) for url in (one, other))
    assert (first == second) == is_same


def test_scores_by_one_class_and_texts_by_the_other_are_one_model(tmp_path):
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion=None, config=api(f"model=m,base_url={URL}"))
    chat = api("model=m,base_url=http://gpu1:8000/v1/chat/completions", "local-chat-completions")
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion=None, config=chat, date="2026-11-23T11-00-00.000000")
    (entry,) = cross_tabulate(load_outcomes([tmp_path]))["variants"]
    assert (entry["base_model"], entry["variant"]) == ("m", "dense")


def test_runs_without_model_and_server_are_not_joined(tmp_path):
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion=None, config=api(""))
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion=None, config=api(None), date="2026-11-23T11-00-00.000000")
    with pytest.raises(UserError, match="are both runs of variant dense of local-completions"):
        load_outcomes([tmp_path])


def test_default_servers_of_classes(tmp_path):
    # api.openai.com by default is the server that was named.
    stated = api({"model": "gpt", "base_url": "https://api.openai.com/v1/completions"})
    found = models_of(tmp_path, api("model=gpt", "openai-completions"), stated, api("model=gpt", "litellm"))
    assert found == [("gpt@api.openai.com", "dense"), ("gpt@api.openai.com", "dense"), ("gpt@unknown", "dense")]


def test_paths_and_queries_are_compared_but_not_shown(tmp_path):
    urls = [f"https://gateway/sk-secret-{team}/v1/completions?api-version=1&api_key={team}" for team in "abaa"]
    urls[3] = urls[3].replace("api-version=1", "api-version=2")
    names = [name for name, _ in models_of(tmp_path, *(api({"model": "m", "base_url": url}) for url in urls))]
    assert names[0] == names[2]
    assert len(set(names)) == 3
    assert all(name.startswith("m@gateway#") and "secret" not in name for name in names)
    # A key that changed is no other server.
    first, second = (api({"model": "m", "base_url": f"{URL}?api_key={key}"}) for key in "xy")
    assert set(models_of(tmp_path / "keys", first, second)) == {("m", "dense")}


def test_our_class_states_the_server(tmp_path):
    served = {"model": "m", "base_url": URL, "server": "llama.cpp", "server_version": "b1", "dtype": "Q4_1"}
    (found,) = (api({"model": "m", "base_url": URL}, "served", served=served),)
    assert models_of(tmp_path, found) == [("m", "Q4_1")]
    (run,) = find_runs([tmp_path])
    assert (run.variant.pruner, run.variant.engine, run.variant.dtype) == ("gguf", "llama.cpp", None)
    # The only file that was evaluated may stand for the dense model.
    assert as_variants_of("m", [run])[0].variant.is_dense
    whole = api({"model": "m", "base_url": URL}, "served", served={**served, "dtype": "F16"})
    assert models_of(tmp_path / "2", whole) == [("m", "dense")]
    vllm = api({"model": "m", "base_url": URL}, "served", served={**served, "server": "vllm", "dtype": "bfloat16"})
    models_of(tmp_path / "3", vllm)
    (run,) = find_runs([tmp_path / "3"])
    assert (run.variant.is_dense, run.variant.engine, run.variant.dtype) == (True, "vllm", "bfloat16")


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        # As llama.cpp's llama_model_ftype_name writes them; the names are those of `pruned-hf` with the same file.
        ("Q4_1", "Q4_1"),
        ("Q4_K - Medium", "Q4_K_M"),
        ("Q3_K - Large", "Q3_K_L"),
        ("Q2_K - Medium", "Q2_K"),
        ("Q2_K - Small", "Q2_K_S"),
        ("IQ2_XXS - 2.0625 bpw", "IQ2_XXS"),
        ("Q8_0 (guessed)", "Q8_0"),
        ("mostly Q5_0", "Q5_0"),
        ("all F32", "dense"),
        ("F16 (guessed)", "dense"),
        ("BF16", "dense"),
        (" ", "dense"),
    ],
)
def test_the_type_of_a_file_behind_llama_cpp(stated, name):
    config = RunConfig("served", {}, served=ServedConfig("m", URL, "llama.cpp", "b1", stated))
    assert variant_of_run(config, Path("r.json")).variant == name


def test_a_run_that_does_not_state_the_file_is_not_the_dense_model_of_one_that_does(tmp_path):
    def served(dtype):
        return api({"model": "m", "base_url": URL}, "served", served={"base_url": URL, "server": "llama.cpp", "dtype": dtype})

    write_run(tmp_path, VIEWS, illusion=None, config=served("Q4_1"))
    write_run(tmp_path / "F16", VIEWS, illusion=None, config=served("F16"))
    # A server that was started with one file after the other.
    assert {outcome.variant.variant for outcome in load_outcomes([tmp_path])} == {"dense", "Q4_1"}
    write_run(tmp_path / "F16", VIEWS, illusion=None, config=api({"model": "m", "base_url": URL}))
    with pytest.raises(UserError, match=r"counts m as dense, but .* states that it is quantised \(Q4_1\)"):
        load_outcomes([tmp_path])


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://x:99999999/v1",
        "//",
        "http:///v1",
        "http://[::x]/",
        "\x00",
        "x y",
        "http://h:0x/",
        "http://h/\udc80",
    ],
)
def test_addresses_that_are_none(tmp_path, url):
    found = models_of(tmp_path, api({"model": "m", "base_url": url}), api({"model": "m", "base_url": URL}))
    assert len(set(found)) == 2


HOSTS = st.sampled_from(["gpu1:8000", "gpu2:8000", "gpu1", "gpu1:80", "localhost:1", "127.0.0.1:1", "[::1]:1"])
NAMES = st.sampled_from(["m", "a/m", "b/m", "/models/m", "m/", "m@gpu1:8000", "m@gpu1:8000#", "local-completions"])
CONFIGS = st.tuples(NAMES, HOSTS, st.sampled_from(["", "/team-a", "/team-b"]))


def server(host, path=""):
    return server_of(RunConfig("local-completions"), {"base_url": f"http://{host}{path}/v1/completions"})


@given(CONFIGS, CONFIGS)
def test_two_servers_are_equal_only_if_their_addresses_are(first, second):
    (_, *one), (_, *two) = first, second
    # Port 80 is that of http.
    same = [one[0].removesuffix(":80"), one[1]] == [two[0].removesuffix(":80"), two[1]]
    assert (server(*one) == server(*two)) == same


def test_the_machine_that_asks():
    assert [
        server(host).is_this_machine for host in ("localhost:1", "127.0.0.1", "[::1]:1", "0.0.0.0:80", "gpu1:1", "10.0.0.1")
    ] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert server_of(RunConfig("hf"), {"pretrained": "x"}) is None
    stated = server_of(RunConfig("served", served=ServedConfig(base_url=URL)), {})
    assert stated is not None
    assert stated.host == "gpu1:8000"
