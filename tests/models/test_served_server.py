"""What a server says of itself, and the name of its model."""

from __future__ import annotations

import httpx
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.served_address import ServedAddress
from lm_eval_illusion.models.served_server import RunningServer, chosen_model, find_server
from tests.models.served_stand_in import serving


def found(stand_in):
    with httpx.Client() as client:
        return find_server(ServedAddress(client, stand_in.completions, 1))


@pytest.mark.parametrize(
    ("software", "version", "dtype"),
    [("llama.cpp", "b1234-abcdef", "Q4_0"), ("vllm", "0.32.0", None), ("llama-cpp-python", None, None), (None, None, None)],
)
def test_software_version_and_models(software, version, dtype):
    with serving(software, models=["a", "b"]) as stand_in:
        server = found(stand_in)
    assert server == RunningServer(stand_in.completions, software, version, dtype, ("a", "b"))


def test_the_name_in_messages():
    assert str(RunningServer("http://h/v1/completions", "vllm", "0.32.0")) == "vllm 0.32.0 at http://h/v1/completions"
    assert str(RunningServer("http://h/v1/completions")) == "the server at http://h/v1/completions"


def test_the_only_model_needs_no_name():
    assert chosen_model(RunningServer("u", "vllm", models=("m",)), None) == "m"
    assert chosen_model(RunningServer("u", "vllm", models=("m", "adapter")), "adapter") == "adapter"
    # A server without a list, and one that loads any model.
    assert (
        chosen_model(RunningServer("u"), "m") == chosen_model(RunningServer("u", "transformers", models=("other",)), "m") == "m"
    )


@pytest.mark.parametrize(
    ("server", "name", "said"),
    [
        # llama.cpp would answer, with the model that it has.
        (
            RunningServer("u", "llama.cpp", models=("a.gguf",)),
            "b.gguf",
            "model=b.gguf is not served by llama.cpp at u: give model=, one of a.gguf",
        ),
        (RunningServer("u", "vllm", models=("a", "b")), None, "needs the name of the model: give model=, one of a, b"),
        (RunningServer("u"), None, "needs the name of the model: give model=, as the server knows it"),
        (
            RunningServer("u", unlisted="refused it: give the key"),
            None,
            "u, asked for its list at /v1/models, refused it: give the key",
        ),
    ],
)
def test_a_wrong_name_is_refused(server, name, said):
    with pytest.raises(UserError) as refused:
        chosen_model(server, name)
    assert said in str(refused.value)


def test_a_list_that_needs_a_key_says_so(monkeypatch):
    def listed(content, code=200):
        reply = httpx.MockTransport(lambda request: httpx.Response(code, json=content))
        with httpx.Client(transport=reply) as client:
            return find_server(ServedAddress(client, "http://h/v1/completions", 1))

    assert "give the key in the environment variable OPENAI_API_KEY" in listed({"error": "no key"}, 401).unlisted
    assert listed({}, 404).unlisted == ""
    # A name that is none is not "None".
    assert listed({"data": [{"id": None}, {"id": "a", "aliases": [None, "b"]}, {}]}).models == ("a", "b")
