"""The arguments of `served`: those of lm_eval's API classes, read before anything is sent."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lm_eval.models.api_models import TemplateAPI
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.served_address import without_password
from lm_eval_illusion.option_values import LONGEST_WINDOW, number_in, read_whole_number, shown
from lm_eval_illusion.pruning.settings import nearest

COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
_RANGES = {
    "num_concurrent": (1, 1024),
    "max_retries": (0, 100),
    "max_gen_toks": (1, LONGEST_WINDOW),
    "max_length": (2, LONGEST_WINDOW),
}
"""The least and the greatest value of each argument that is a whole number."""
_ATTEMPTS = 5
"""Attempts of a request by default: a busy server has 15 seconds, or as many as it asks for."""
_LONGEST_TIMEOUT = 7 * 24 * 3600
"""Seconds. Python's sockets take no much longer one."""


def read_url(base_url: object) -> str:
    """Return the address of the completions or chat completions.

    Raises:
        UserError: It is missing, is no address, or is that of something else.
    """
    url = str(base_url or "").rstrip("/")
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not url.endswith((COMPLETIONS, CHAT)):
        raise UserError(
            f"base_url {without_password(url) or 'is missing'!r} is no address of completions: give e.g."
            f" base_url=http://127.0.0.1:8000{COMPLETIONS}, or ...{CHAT} for the model's chat template"
        )
    return url


def read_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return lm_eval's arguments, checked.

    lm_eval cuts prompts to 2048 tokens where no `max_length` is given, from the left and without an error. Here, the server knows its
    own window: without `max_length`, every prompt is sent whole.

    Raises:
        UserError: An argument is unknown, so that lm_eval's classes would ignore it, or has a wrong value.
    """
    classes = (TemplateAPI, LocalCompletionsAPI, LocalChatCompletion)
    names = {name for model_class in classes for name in inspect.signature(model_class.__init__).parameters}
    known = sorted(names - {"self", "kwargs", "pretrained"})
    for name in given:
        if name not in known:
            raise UserError(
                f"argument {shown(name)} is unknown{nearest(name[:100], known) or ':'} served takes {', '.join(known)}"
            )
    checked = {name: value for name, value in given.items() if value is not None}
    for name, (least, most) in _RANGES.items():
        if name in checked:
            checked[name] = read_whole_number(name, checked[name], least, most)
    if "timeout" in checked:
        timeout = number_in(checked["timeout"])
        if timeout is None or not 0 < timeout <= _LONGEST_TIMEOUT:
            raise UserError(f"timeout {shown(checked['timeout'])} is no time to wait: give seconds, e.g. timeout=300")
        # lm_eval makes it a whole number.
        checked["timeout"] = max(1, round(timeout))
    for name in ("verify_certificate", "tokenized_requests", "add_bos_token"):
        if not isinstance(checked.get(name, True), bool):
            raise UserError(f"{name} {shown(checked[name])} is neither true nor false: give {name}=True or {name}=False")
    if "header" in checked and not isinstance(checked["header"], Mapping):
        raise UserError(f"header {shown(checked['header'])} is no set of names and values: give a JSON object as --model_args")
    path = checked.get("ca_cert_path")
    if path is not None and not os.path.exists(str(path)):
        raise UserError(f"ca_cert_path {shown(path)} does not exist: give the file of the certificate")
    checked["tokenizer_backend"] = _read_backend(checked)
    checked.setdefault("max_length", LONGEST_WINDOW)
    checked.setdefault("max_retries", _ATTEMPTS)
    checked["batch_size"] = 1
    return checked


def _read_backend(given: Mapping[str, Any]) -> str | None:
    has_tokenizer = bool(given.get("tokenizer"))
    backend = given.get("tokenizer_backend", "huggingface" if has_tokenizer else None)
    if str(backend).lower() in ("none", "auto"):
        backend = "huggingface" if has_tokenizer and str(backend).lower() == "auto" else None
    if backend not in (None, "huggingface"):
        raise UserError(
            f"tokenizer_backend {shown(backend)} can't be used: give tokenizer= with a folder or a name on the hub, which served reads with"
            " transformers, or no tokenizer"
        )
    return None if backend is None else "huggingface"
