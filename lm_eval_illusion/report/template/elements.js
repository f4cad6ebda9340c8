// HTML elements that contain text. Data becomes text only, never markup.

/** Return an element with class, attributes and children; strings become text, null is left out. */
function element(tag, name, attributes, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Return the attributes of text in an item's language: they select script, direction and font. */
function spoken(language) {
  return { lang: language, dir: "auto" };
}

/** Return the value, an en dash if it is undefined. */
function shown(value) {
  return value === null || value === undefined ? "–" : String(value);
}

/** Return the name of a key, the key itself if there is none. */
function nameOf(names, key) {
  return Object.hasOwn(names, key) ? names[key] : key;
}

/** Return a name in which nothing moves or hides other text: control characters and bidirectional overrides are escaped. */
function plain(name) {
  return name.replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** 1402 -> "1,402". */
function counted(number) {
  return number.toLocaleString("en");
}
