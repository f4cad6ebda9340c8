// Elements with text in them. Data only ever becomes text: never markup.

/** An element with a class, attributes and children; strings become text, null is left out. */
function element(tag, name, attributes, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The attributes of text in an item's language, so that its script, direction and font are right. */
function spoken(language) {
  return { lang: language, dir: "auto" };
}

/** What is undefined is an en dash. */
function shown(value) {
  return value === null || value === undefined ? "–" : String(value);
}

/** 1402 -> "1,402". */
function counted(number) {
  return number.toLocaleString("en");
}
