// The items as they are packed in the page, checked: one malformed item must not hide the others.

function isText(value) {
  return typeof value === "string";
}

function isTextOrNothing(value) {
  return value === null || value === undefined || isText(value);
}

function isTexts(value) {
  return Array.isArray(value) && value.every(isText);
}

function isNumberOrNothing(value) {
  return value === null || value === undefined || typeof value === "number";
}

function isItem(item) {
  return item !== null && typeof item === "object"
    && [item.family, item.language, item.id].every(isText)
    && [item.question, item.context, item.answer, item.answer_type].every(isTextOrNothing)
    && isTexts(item.options)
    && (isTextOrNothing(item.aliases) ? !item.aliases : isTexts(item.aliases))
    && isNumberOrNothing(item.gold);
}

function isRow(row) {
  return row !== null && typeof row === "object"
    && [row.base_model, row.variant].every(isText)
    && [row.cell, row.transition, row.failure, row.rule].every(isTextOrNothing)
    && (row.rules === undefined || (row.rules !== null && typeof row.rules === "object" && Object.values(row.rules).every(isText)))
    && isNumberOrNothing(row.gold_rank)
    && (row.judged === undefined || (Array.isArray(row.judged) && row.judged.every(isTextOrNothing)))
    && Array.isArray(row.scores) && row.scores.every(isNumberOrNothing)
    && row.outputs !== null && typeof row.outputs === "object" && Object.values(row.outputs).every(isTexts);
}

/** Return the items and rows that are well-formed, and the number of items and of rows that are not. */
function wellFormed(data) {
  if (!Array.isArray(data?.items) || !Array.isArray(data.rows)) throw new TypeError("the lists of items and rows are missing");
  const places = new Map();
  const items = data.items.filter((item, at) => isItem(item) && places.set(at, places.size));
  const rows = data.rows.filter((row) => isRow(row) && places.has(row.item)).map((row) => ({ ...row, item: places.get(row.item) }));
  return { items, rows, badItems: data.items.length - items.length, badRows: data.rows.length - rows.length };
}
