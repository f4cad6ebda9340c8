"""The tokenizer of a GGUF file: special tokens, first and last token, chat template are those of the file's metadata."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.gguf_header import read_header
from lm_eval_illusion.pruning.gguf_tokenizer import gguf_tokenizer
from tests.gguf_files import TEMPLATE, write_gguf
from tests.tiny_models import TEXTS, make_tiny_tokenizer


def tokenizer_of(folder, **metadata):
    """The tokenizer, saved and loaded again as a checkpoint's."""
    file = folder / "x.gguf"
    write_gguf(file, "Q4_0", metadata=metadata)
    gguf_tokenizer(file, read_header(file).metadata, "x.gguf").save_pretrained(folder / "saved")
    return AutoTokenizer.from_pretrained(folder / "saved")


def test_texts_have_the_tokens_of_the_tokenizer_that_the_file_was_made_of(tmp_path):
    tokenizer, original = tokenizer_of(tmp_path), make_tiny_tokenizer()
    for text in (*TEXTS, "<s>user: a</s>\n", "1990 <pad>", "  two  blanks , and . ", "\n\n"):
        ids = original(text)["input_ids"]
        assert tokenizer(text)["input_ids"] == ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == original.decode(ids, skip_special_tokens=True)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1, 2)
    assert tokenizer.chat_template == TEMPLATE


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(True, False, [0, 68]), (False, False, [68]), (True, True, [0, 68, 1]), (False, True, [68, 1])],
)
def test_first_and_last_token_are_added_as_the_file_says(before, after, expected, tmp_path):
    adds = {"tokenizer.ggml.add_bos_token": before, "tokenizer.ggml.add_eos_token": after}
    tokenizer = tokenizer_of(tmp_path, **adds)
    letter = make_tiny_tokenizer()("a", add_special_tokens=False)["input_ids"]
    assert tokenizer("a")["input_ids"] == [letter[0] if token == 68 else token for token in expected]
    assert tokenizer("a", add_special_tokens=False)["input_ids"] == letter


def test_special_tokens_that_the_file_does_not_state_do_not_exist(tmp_path):
    tokenizer = tokenizer_of(tmp_path, **{"tokenizer.ggml.padding_token_id": None})
    assert (tokenizer.bos_token, tokenizer.pad_token, tokenizer.eos_token) == ("<s>", None, "</s>")
    assert len(tokenizer) == 340


def test_a_file_without_vocabulary_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"x\.gguf has no vocabulary"):
        gguf_tokenizer(tmp_path / "x.gguf", {"tokenizer.ggml.tokens": []}, "x.gguf")
