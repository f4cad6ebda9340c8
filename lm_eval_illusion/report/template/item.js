// An opened item: its question, and the results of all variants side by side.

const CELLS = {
  both: "recognised and produced",
  recognition_only: "recognition-only",
  production_only: "production-only",
  neither: "neither",
};
const TRANSITIONS = {
  retained: "retained",
  induced_recognition_only: "induced",
  lost: "lost",
  "not known": "not known",
};

const JUDGED = {
  agreed: "agrees with the rules",
  judge_only: "right by the judge, wrong by the rules",
  rules_only: "right by the rules, wrong by the judge",
  unclear: "no clear verdict",
  outdated: "about another response",
};

/** Return a coloured word for an outcome class or a transition. */
function badge(key, names) {
  return key === null || key === undefined ? null : element("span", `badge ${Object.hasOwn(names, key) ? key : ""}`, {}, nameOf(names, key));
}

/** Sort: dense, the opened row, other variants of its base model, other base models. */
function inOrder(rows, chosen) {
  const place = (row) => {
    if (row.base_model !== chosen.base_model) return 3;
    if (row.transition === null && row !== chosen) return 0;
    return row === chosen ? 1 : 2;
  };
  return [...rows].sort((a, b) => place(a) - place(b));
}

/** Return a line of the comparison: a heading and a cell for each variant. */
function line(heading, rows, chosen, cell) {
  const cells = rows.map((row) => element("td", row === chosen ? "chosen" : "", {}, ...[cell(row)].flat()));
  return element("tr", "", {}, element("th", "", { scope: "row" }, ...[heading].flat()), ...cells);
}

/** Return the outputs of a view: one as text, several as a list. */
function outputs(texts, language) {
  if (!texts || !texts.length) return shown(null);
  const say = (text) =>
    text.trim() ? element("span", "output", spoken(language), text) : element("span", "quiet", {}, "(nothing)");
  if (texts.length === 1) return say(texts[0]);
  return element("ol", "", {}, ...texts.map((text) => element("li", "", {}, say(text))));
}

/** Return a matching rule as people read it. */
function ruleName(rule) {
  return rule.replaceAll("_", " ");
}

/** Return the outputs of a view and, beside them, the rule that judged the answer. `meanings`: of the rules. */
function judgedOutputs(row, view, language, meanings) {
  const said = outputs(row.outputs[view], language);
  const rule = row.rules?.[view];
  return rule ? [said, " ", element("span", "tag", { title: `the matching rule that decided: ${plain(nameOf(meanings, rule))}` }, plain(ruleName(rule)))] : said;
}

/** Return the score of an option; the highest is marked. */
function score(row, place) {
  const value = row.scores[place];
  const top = typeof value === "number" && row.scores.every((other) => typeof other !== "number" || other <= value);
  const text = typeof value === "number" ? value.toFixed(2).replace("-", "−") : shown(value);
  return top ? [element("span", "top", {}, text), element("span", "tag", {}, "top")] : text;
}

/** The table of all variants: outcome, scores of the options, outputs. `labels` of the views that generate text and names of `failures`, by key; names of `judges`; meanings of `rules`. */
function comparison(item, rows, chosen, { views: labels, failures, judges, rules }) {
  const said = spoken(item.language);
  const head = rows.map((row) =>
    element("th", row === chosen ? "chosen" : "", { scope: "col" }, plain(row.variant), element("small", "", {}, plain(row.base_model))),
  );
  const option = (text, place) => [
    element("bdi", "", said, text),
    place === item.gold ? element("span", "tag", {}, "gold") : null,
  ].filter(Boolean);
  const views = [...new Set([...Object.keys(labels), ...rows.flatMap((row) => Object.keys(row.outputs))])];
  const used = views.filter((view) => rows.some((row) => row.outputs[view]?.length));
  const section = (text) => element("tr", "section", {}, element("th", "", { scope: "rowgroup", colspan: rows.length + 1 }, text));
  const outcome = (row) => [badge(row.cell, CELLS), " ", badge(row.transition, TRANSITIONS)].filter(Boolean);
  return element(
    "table", "", {},
    element("thead", "", {}, element("tr", "", {}, element("th", "", {}, ""), ...head)),
    element("tbody", "", {},
      line("outcome", rows, chosen, outcome),
      rows.some((row) => row.failure) ? line("failure mode", rows, chosen, (row) => badge(row.failure, failures) ?? shown(null)) : "",
      ...judges.map((judge, at) => line(`judge ${plain(judge)}`, rows, chosen, (row) => (row.judged?.[at] ? plain(nameOf(JUDGED, row.judged[at])) : shown(null)))),
      line("gold rank", rows, chosen, (row) => shown(row.gold_rank))),
    item.options.length
      ? element("tbody", "options", {},
          section("Options and their scores"),
          ...item.options.map((text, place) => line(option(text, place), rows, chosen, (row) => score(row, place))))
      : null,
    element("tbody", "outputs", {},
      section("What was said"),
      ...used.map((view) => line(plain(nameOf(labels, view)), rows, chosen, (row) => judgedOutputs(row, view, item.language, rules)))),
  );
}

/** Return the address of an item within this page. */
function addressOf(item) {
  // An address can't hold half a character.
  return `#item/${[item.family, item.language, item.id].map((part) => encodeURIComponent(part.replace(/\p{Cs}/gu, "\ufffd"))).join("/")}`;
}

/** Everything about an item. `start`: the names of languages and views. */
function openedItem(item, rows, chosen, start) {
  const said = spoken(item.language);
  const facts = [
    ["answer ", shown(item.answer), said],
    item.aliases?.length ? ["also ", item.aliases.join(" · "), said] : null,
    ["language ", plain(nameOf(start.languages, item.language)), {}],
    item.answer_type ? ["type ", plain(item.answer_type), {}] : null,
    ["id ", plain(item.id), {}],
  ].filter(Boolean);
  return element(
    "div", "opened", {},
    element("p", "question", said, shown(item.question)),
    item.context
      ? element("details", "", {}, element("summary", "", {}, "Context"), element("p", "passage", said, item.context))
      : null,
    element("div", "facts", {},
      ...facts.map(([name, value, attributes]) => element("span", "", {}, name, element("b", "", attributes, value))),
      element("a", "", { href: addressOf(item) }, "link to this item")),
    element("div", "scroll", { tabindex: "0", role: "region", "aria-label": "All variants side by side" },
      comparison(item, inOrder(rows, chosen), chosen, start)),
  );
}
