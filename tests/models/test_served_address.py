"""Keys are in no message and no file."""

from __future__ import annotations

from lm_eval_illusion.models.served_address import hide_secrets, secrets_of
from tests.models.served_stand_in import serving


def test_secrets_are_the_values_of_headers_and_the_password():
    headers = {"Authorization": "Bearer sk-12345678", "X": "short", "Y": "sk-12345678-long"}
    assert secrets_of(headers, "http://me:password@host/v1") == ("sk-12345678-long", "sk-12345678", "password")


def test_arguments_without_secrets_name_the_same_server():
    arguments = {"base_url": "http://me:password@host/v1", "header": {"api-key": "abcdefgh"}, "auth_token": "t", "model": "m"}
    hide_secrets(arguments)
    assert arguments == {"base_url": "http://host/v1", "header": {"api-key": "***"}, "auth_token": "***", "model": "m"}
    for empty in ({}, {"base_url": None, "header": None, "auth_token": None}):
        hide_secrets(given := dict(empty))
        assert given == empty


def test_the_key_in_a_header_is_sent_and_not_written():
    """lm_eval writes the dictionary of model arguments into the results file after the run."""
    from lm_eval_illusion.models.served import ServedModel

    with serving() as stand_in:
        arguments = {"base_url": stand_in.completions, "header": {"api-key": "abcdefgh"}, "max_retries": 1}
        model = ServedModel.create_from_arg_obj(arguments, {})
    assert arguments["header"] == {"api-key": "***"}
    assert model.endpoint.client.headers["api-key"] == "abcdefgh"
