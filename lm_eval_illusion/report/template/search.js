// Filter and search rows: filters compare small integers, the search uses prepared text. Fast enough for 50,000 rows.

const FACETS = {
  variant: (row) => JSON.stringify([row.base_model, row.variant]),
  cell: (row) => row.cell,
  transition: (row) => row.transition,
  failure: (row) => row.failure ?? null,
  rule: (row) => row.rule ?? null,
  language: (row, item) => item.language,
  family: (row, item) => item.family,
};

/** Add a facet for each judge: whether it agrees with the rules. */
function addJudges(judges) {
  judges.forEach((_, at) => {
    FACETS[`judge-${at}`] = (row) => row.judged?.[at] ?? null;
  });
}

/** Normalise text for the search: no case, one Unicode form. */
function searchable(text) {
  return text.normalize("NFKC").toLowerCase();
}

/** Return for each facet its values, in order of appearance, and for each row the index of its value. */
function indexFacets(data) {
  const facets = {};
  for (const [name, read] of Object.entries(FACETS)) {
    const numbers = new Map();
    const codes = new Uint16Array(data.rows.length);
    data.rows.forEach((row, at) => {
      const value = read(row, data.items[row.item]);
      if (!numbers.has(value)) numbers.set(value, numbers.size);
      codes[at] = numbers.get(value);
    });
    facets[name] = { values: [...numbers.keys()], codes };
  }
  return facets;
}

/** Return the searchable text of items and of rows: a row matches by the text of its item or by its outputs. */
function indexText(data) {
  const ofItem = (item) => [item.id, item.question, item.answer, ...(item.aliases ?? []), ...item.options, item.context].join("\n");
  return {
    items: data.items.map((item) => searchable(ofItem(item))),
    rows: data.rows.map((row) => searchable(Object.values(row.outputs).flat().join("\n"))),
  };
}

/** Return the indices of the matching rows: `wanted` maps a facet to a value, `query` holds words that must all occur. */
function findRows(data, facets, text, wanted, query) {
  const tests = Object.entries(wanted).map(([name, value]) => [facets[name].codes, facets[name].values.indexOf(value)]);
  const words = searchable(query).split(/\s+/).filter(Boolean);
  const inItem = words.map((word) => text.items.map((where) => where.includes(word)));
  const found = [];
  for (let at = 0; at < data.rows.length; at += 1) {
    if (!tests.every(([codes, code]) => codes[at] === code)) continue;
    const item = data.rows[at].item;
    if (words.every((word, which) => inItem[which][item] || text.rows[at].includes(word))) found.push(at);
  }
  return found;
}
