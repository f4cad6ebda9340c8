"""Were the samples of an item sampled? Engines that use one seed for all of them return one sample ten times.

Most files are told by their first row, whose samples differ; only a file that has this fault is read to its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from lm_eval_illusion.results.runs import ViewFile
from lm_eval_illusion.results.sample_lines import decode_line, parse_lines
from lm_eval_illusion.results.variants import Variant
from lm_eval_illusion.views import view_named


class _Responses(msgspec.Struct, frozen=True):
    """The outputs of a row: lists in lists of texts."""

    filtered_resps: list[Any]


_DECODER = msgspec.json.Decoder(_Responses)


def with_equal_samples(files: Iterable[ViewFile]) -> list[Variant]:
    """Return the variants of which all samples of each item are equal, in all their items, sorted by name.

    Raises:
        UserError: A file can't be read.
    """
    by_variant: dict[Variant, list[ViewFile]] = defaultdict(list)
    for file in files:
        view = view_named(file.view)
        if view is not None and view.decoding is not None and view.decoding.do_sample and view.repeats > 1:
            by_variant[file.variant].append(file)
    found = [variant for variant, sampled in by_variant.items() if all(map(_has_equal_samples, sampled))]
    return sorted(found, key=lambda variant: variant.key)


def _has_equal_samples(file: ViewFile) -> bool:
    """Return whether every row has several outputs that are all the same."""

    def outputs(line: bytes) -> list[str]:
        return list(_texts(decode_line(line, _DECODER, _Responses).filtered_resps))

    has_rows = False
    for texts in parse_lines(file.samples_file, outputs):
        has_rows = True
        if len(texts) < 2 or len(set(texts)) > 1:
            return False
    return has_rows


def _texts(nested: Sequence[Any]) -> Iterator[str]:
    for part in nested:
        if isinstance(part, list):
            yield from _texts(part)
        else:
            yield str(part)
