"""Chat completions."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from tests.models.served_cases import model_of, sampled, scoring
from tests.models.served_stand_in import serving


def test_a_chat_server_gives_no_scores_and_needs_the_template():
    with serving() as stand_in:
        model = model_of(stand_in.chat)
        with pytest.raises(UserError, match="chat completions give no scores"):
            model.loglikelihood(scoring())
        with pytest.raises(UserError, match="add --apply_chat_template"):
            model.generate_until(sampled("gen", 1), disable_tqdm=True)
        plain = model_of(stand_in.completions)
        with pytest.raises(UserError, match="needs the model's own template"):
            plain.generate_until(sampled("gen", 1, model=model), disable_tqdm=True)
