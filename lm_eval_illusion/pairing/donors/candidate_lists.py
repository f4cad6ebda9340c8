"""For each question its best donors that the rules allow, no two of which overlap: what the assignment chooses from."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.asked.kinds import AskedKinds
from lm_eval_illusion.pairing.donors.answer_table import AnswerTable, answer_table, codes
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS
from lm_eval_illusion.pairing.donors.candidates import (
    ALL,
    ALL_WINDOW,
    BUDGET,
    FEATURE_WINDOW,
    PASSAGE_WINDOW,
    TOPIC_WINDOW,
    Look,
    donor_lists,
    list_order,
)
from lm_eval_illusion.pairing.donors.pair_costs import COST_STEPS, PairCosts, Passages
from lm_eval_illusion.pairing.donors.rules import OptionRulesOfLanguage, allowed_options, compatible, more_compatible
from lm_eval_illusion.pairing.option_rules import RightAnswers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from lm_eval_illusion.pairing.arrays import Costs, Draws, Flags, Indices, Scores

Report = Callable[[str, int, int], None]
"""(step, done, total): called while a pairing runs."""

LEAST_KEPT = 32
"""Candidates kept for each question where there are many; of few questions up to `ALL`."""
_KEPT_IN_ALL = 400_000
_ROWS_AT_ONCE = 1_000
_MOST_PAIRS = 4_000_000
"""Pairs tried for all questions together that the first look leaves with too few candidates."""


@dataclass(frozen=True)
class CandidateLists:
    """The candidates of m questions, the cheapest first; -1, infinite and false behind the last one.

    Attributes:
        tables: The answers in each language.
        rows: [m], the indices of the questions.
        groups: [all questions], a number for each question, the same for equal answers in the same languages.
        donors: [m, most], indices of questions.
        costs: [m, most].
        alike: [m, most], whether the donor's question asks for the same kind.
        counts: [m], how many candidates a question has.
        draws: [all questions], a random number for each, which depends on the seed and the id.
    """

    tables: Sequence[AnswerTable]
    rows: Indices
    groups: Indices
    donors: Indices
    costs: Costs
    alike: Flags
    counts: Indices
    draws: Draws


def find_candidates(
    questions: Sequence[ParallelQuestion],
    is_row: Sequence[bool],
    asked: AskedKinds,
    answer_key: RightAnswers,
    seed: int,
    report: Report | None = None,
) -> CandidateLists:
    """Find the candidates of some of the questions. All are donors.

    A donor has at least the languages of the question, the same given type, and a number or date as its answer exactly if the question has.

    Args:
        questions: All questions, in an order that does not depend on the file.
        is_row: For each whether it needs options.
        asked: What the questions ask for, in the same order.
        answer_key: The right answers of all questions.
        seed: Seed of the choice between equally good donors.
        report: Called with the number of questions done.
    """
    import numpy as np

    if not any(is_row):
        zeros = np.zeros(len(questions), dtype=np.intp)
        return _empty_lists([], zeros[:0], zeros, zeros.astype(np.uint64))
    languages = sorted({lang for question in questions for lang in question.by_lang})
    tables = [answer_table(questions, lang) for lang in languages]
    draws = np.array([_draw(f"{seed} {question.id}") for question in questions], dtype=np.uint64)
    costs = PairCosts(questions, tables, asked, draws)
    rules = [OptionRulesOfLanguage(questions, table, answer_key) for table in tables]
    groups = np.array(
        codes(tuple((lang, compact(answer, lang)) for lang, answer in question.answers.items()) for question in questions),
        dtype=np.intp,
    )
    has_language = np.array([table.own >= 0 for table in tables]).T.reshape(len(questions), len(tables))
    own_lengths = np.array([np.where(table.own >= 0, table.log_lengths[table.own], 0.0) for table in tables]).sum(axis=0)
    rank = list_order(groups.tolist(), own_lengths / np.maximum(1, has_language.sum(axis=1)), draws)
    finder = _Finder(tables, has_language, groups, rank, costs, rules, _members(costs, tables))

    blocks: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for index, question in enumerate(questions):
        blocks[question.given_type, question.has_number].append(index)
    rows = np.flatnonzero(is_row)
    lists = _empty_lists(tables, rows, groups, draws)
    done = 0
    for members in blocks.values():
        donors = np.array(members, dtype=np.intp)
        for part in finder.fill(lists, np.flatnonzero(np.isin(rows, donors)), donors):
            done += part
            if report is not None:
                report("finding options", done, len(rows))
    return lists


def _empty_lists(tables: Sequence[AnswerTable], rows: Indices, groups: Indices, draws: Draws) -> CandidateLists:
    import numpy as np

    most = min(len(groups), max(LEAST_KEPT, min(ALL, _KEPT_IN_ALL // max(1, len(rows)))))
    shape = len(rows), max(most, DISTRACTORS)
    return CandidateLists(
        tables=tables,
        rows=rows,
        groups=groups,
        donors=np.full(shape, -1, dtype=np.intp),
        costs=np.full(shape, np.inf, dtype=np.float32),
        alike=np.zeros(shape, dtype=bool),
        counts=np.zeros(len(rows), dtype=np.intp),
        draws=draws,
    )


def _draw(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True)
class _Finder:
    tables: Sequence[AnswerTable]
    has_language: Flags
    groups: Indices
    rank: Indices
    costs: PairCosts
    rules: Sequence[OptionRulesOfLanguage]
    members: csr_matrix

    def fill(self, lists: CandidateLists, slots: Indices, donors: Indices) -> Iterator[int]:
        """Fill in the candidates of the rows `slots` from these donors; yield how many rows are done, again and again."""
        import numpy as np

        in_lists = donor_lists(donors, self.rank, self.members) if len(donors) > ALL else None
        for start in range(0, len(slots), _ROWS_AT_ONCE):
            part = slots[start : start + _ROWS_AT_ONCE]
            rows = lists.rows[part]
            if in_lists is None:
                pairs = np.repeat(rows, len(donors)), np.tile(donors, len(rows))
            else:
                pairs = in_lists.windows(self._look(rows), BUDGET)
            self._keep(lists, part, *pairs)
            yield len(part)
        short = slots[lists.counts[slots] < DISTRACTORS]
        if len(short) and in_lists is not None:
            self._fill_short(lists, short, donors)

    def _fill_short(self, lists: CandidateLists, short: Indices, donors: Indices) -> None:
        """Look again where there are too few candidates, in a list of all different answers."""
        import numpy as np
        from scipy.sparse import csr_matrix

        _, first = np.unique(self.groups[donors[np.argsort(self.rank[donors])]], return_index=True)
        different = np.sort(donors[np.argsort(self.rank[donors])][first])
        window = min(len(different), max(ALL, _MOST_PAIRS // len(short)))
        everything = csr_matrix(np.ones((len(self.rank), 1), dtype=np.float32))
        in_lists = donor_lists(different, self.rank, everything)
        at_once = max(1, _ROWS_AT_ONCE * BUDGET // window)
        for start in range(0, len(short), at_once):
            part = short[start : start + at_once]
            rows = lists.rows[part]
            zeros = np.zeros(len(rows), dtype=np.intp)
            look = Look(rows, zeros, zeros.astype(float), np.full(len(rows), window))
            self._keep(lists, part, *in_lists.windows(look, window))

    def _look(self, rows: Indices) -> Look:
        """Return the lists that questions look into: passages first, then all donors, the topic, and the features by their weight."""
        import numpy as np

        features = self.costs.features[rows].tocoo()
        topics = features.shape[1] + self.costs.topics[rows]
        entries = [
            (rows[features.row], features.col, features.data, FEATURE_WINDOW),
            (rows, topics, 1.5, TOPIC_WINDOW),
            (rows, self.members.shape[1] - 1, 2.0, ALL_WINDOW),
        ]
        start = features.shape[1] + int(self.costs.topics.max()) + 1
        window = PASSAGE_WINDOW // max(1, sum(passages.has_some for passages in self.costs.passages))
        for passages in self.costs.passages:
            having = rows[passages.of[rows] >= 0]
            entries.append((having, start + passages.of[having], 3.0, window))
            start += passages.count
        row, column, weight, size = zip(*(np.broadcast_arrays(*entry) for entry in entries), strict=True)
        return Look(np.concatenate(row), np.concatenate(column).astype(np.intp), np.concatenate(weight), np.concatenate(size))

    def _keep(self, lists: CandidateLists, slots: Indices, questions: Indices, donors: Indices) -> None:
        """Rate the pairs and write the best ones that the rules allow into the rows `slots`."""
        import numpy as np

        covered = ~(self.has_language[questions] & ~self.has_language[donors]).any(axis=1)
        pairs = np.sort(questions[covered] * np.int64(len(self.rank)) + donors[covered])
        pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])] if len(pairs) else pairs
        questions, donors, cost, alike = self.costs.rate(pairs // len(self.rank), pairs % len(self.rank))
        order = _by_question_and_cost(questions, cost)
        questions, donors, cost, alike = questions[order], donors[order], cost[order], alike[order]
        options = [table.options(questions, donors).tolist() for table in self.tables]
        rows = lists.rows[slots]
        begins, ends = np.searchsorted(questions, rows, "left").tolist(), np.searchsorted(questions, rows, "right").tolist()
        counts, kept = [], []
        for row, begin, end in zip(rows.tolist(), begins, ends, strict=True):
            kept_of_row = self._compatible(row, begin, end, options, lists.donors.shape[1])
            counts.append(len(kept_of_row))
            kept += kept_of_row
        where = np.repeat(slots, counts), np.arange(len(kept)) - np.repeat(np.cumsum(counts) - counts, counts)
        lists.donors[where], lists.costs[where], lists.alike[where] = donors[kept], cost[kept], alike[kept]
        lists.counts[slots] = counts

    def _compatible(self, row: int, begin: int, end: int, options: Sequence[Sequence[int]], most: int) -> list[int]:
        """Return the cheapest candidates that the rules allow for a question and beside each other, at most `most`."""
        present = [number for number, has in enumerate(self.has_language[row].tolist()) if has]
        texts, rules = [options[number][begin:end] for number in present], [self.rules[number] for number in present]
        kept = compatible(allowed_options(row, texts, rules), texts, rules, most)
        if len(kept) < DISTRACTORS <= end - begin:
            kept = more_compatible(kept, list(allowed_options(row, texts, rules)), texts, rules)
        return [begin + place for place in kept]


def _by_question_and_cost(questions: Indices, cost: Scores) -> Indices:
    """Return the order of pairs by question, then by cost, then as they are; `questions` is ascending. One key sorts faster than two."""
    import numpy as np

    number = np.cumsum(np.append(False, questions[1:] != questions[:-1])[: len(questions)])
    # Costs are multiples of this step and less than 2**10, numbers less than `_ROWS_AT_ONCE`: the sums are exact.
    keys = number * np.int64(COST_STEPS * 2**10) + (cost * COST_STEPS).astype(np.int64)
    return np.argsort(keys, kind="stable")


def _members(costs: PairCosts, tables: Sequence[AnswerTable]) -> csr_matrix:
    """Return [n, lists]: the features, the topics, the passages of each language, and one list of all."""
    import numpy as np
    from scipy.sparse import coo_matrix, csr_matrix, hstack

    n = len(costs.topics)
    ones = np.ones(n, dtype=np.float32)
    topics = coo_matrix((ones, (np.arange(n), costs.topics)), shape=(n, int(costs.topics.max()) + 1))
    in_passages = [_passage_members(passages, table) for passages, table in zip(costs.passages, tables, strict=True)]
    return csr_matrix(hstack([costs.features, topics, *in_passages, coo_matrix(ones[:, None])], format="csr"))


def _passage_members(passages: Passages, table: AnswerTable) -> csr_matrix:
    """Return [n, passages]: 1 where the answer of a question occurs in a passage."""
    import numpy as np
    from scipy.sparse import csr_matrix

    passage, text = passages.texts_in_passages()
    ones = np.ones(len(passage), dtype=np.float32)
    occurs = csr_matrix((ones, (text, passage)), shape=(len(table.texts), passages.count))
    has = np.flatnonzero(table.own >= 0)
    text_of = csr_matrix((np.ones(len(has), dtype=np.float32), (has, table.own[has])), shape=(len(table.own), len(table.texts)))
    return csr_matrix(text_of @ occurs)
