// The item browser: filters, a list in pages, and items that open in the list.

const PAGE = 25;

function startBrowser(data, start) {
  addJudges(start.judges);
  const facets = indexFacets(data);
  const text = indexText(data);
  const rowsOf = data.items.map(() => []);
  for (const row of data.rows) rowsOf[row.item].push(row);
  const several = new Set(data.rows.map((row) => row.base_model)).size > 1;
  const form = document.querySelector(".filters");
  const search = document.getElementById("search");
  const selects = Object.fromEntries(Object.keys(FACETS).map((name) => [name, document.getElementById(`by-${name}`)]));
  let found = [];
  let page = 0;

  function label(facet, value) {
    if (value === null) return "no dense run";
    if (facet === "variant") return plain(several ? JSON.parse(value).reverse().join(" of ") : JSON.parse(value)[1]);
    if (facet.startsWith("judge-")) return plain(nameOf(JUDGED, value));
    if (facet === "rule") return plain(ruleName(value));
    return plain(nameOf({ cell: CELLS, transition: TRANSITIONS, failure: start.failures, language: start.languages }[facet] ?? {}, value));
  }

  function fillSelects() {
    for (const [name, select] of Object.entries(selects)) {
      const all = element("option", "", { value: "" }, "all");
      const values = facets[name].values.filter((value) => value !== null);
      select.replaceChildren(all, ...values.map((value) => element("option", "", { value: JSON.stringify(value) }, label(name, value))));
      select.closest("label").hidden = values.length < 2;
    }
  }

  function wanted() {
    const chosen = Object.entries(selects).filter(([, select]) => select.value);
    return Object.fromEntries(chosen.map(([name, select]) => [name, JSON.parse(select.value)]));
  }

  function choose(facet, value) {
    const option = JSON.stringify(value);
    if ([...selects[facet].options].some((other) => other.value === option)) selects[facet].value = option;
  }

  function listed(at) {
    const row = data.rows[at];
    const item = data.items[row.item];
    const said = spoken(item.language);
    const greedy = row.outputs.gen?.[0];
    const language = Object.hasOwn(start.languages, item.language) ? start.languages[item.language] : null;
    const about = [row.variant, several ? row.base_model : null, language, `rank ${shown(row.gold_rank)}`];
    const button = element(
      "button", "row", { type: "button", "aria-expanded": "false" },
      element("span", "clipped question", said, shown(item.question)),
      element("span", "", {},
        element("span", "clipped gold", {}, element("bdi", "", said, shown(item.answer))),
        greedy === undefined ? null : element("span", "clipped said", {}, element("bdi", "", said, greedy.trim() || "(nothing)"))),
      element("span", "", {}, ...[badge(row.cell, CELLS), " ", badge(row.transition, TRANSITIONS), " ", badge(row.failure, start.failures)].filter(Boolean)),
      element("span", "about", {}, about.filter(Boolean).map(plain).join(" · ")),
    );
    const entry = element("li", "", {}, button);
    button.addEventListener("click", () => toggle(entry, row));
    return entry;
  }

  function toggle(entry, row) {
    const opened = entry.querySelector(".opened");
    entry.firstElementChild.setAttribute("aria-expanded", String(!opened));
    if (opened) opened.remove();
    else entry.append(openedItem(data.items[row.item], rowsOf[row.item], row, start));
  }

  function showPage(number) {
    const last = Math.max(Math.ceil(found.length / PAGE) - 1, 0);
    page = Math.min(Math.max(number, 0), last);
    document.getElementById("rows").replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(listed));
    document.getElementById("pager").hidden = last === 0;
    document.getElementById("page").textContent = `page ${counted(page + 1)} of ${counted(last + 1)}`;
    for (const name of ["first-page", "previous-page"]) document.getElementById(name).disabled = page === 0;
    for (const name of ["next-page", "last-page"]) document.getElementById(name).disabled = page === last;
  }

  function filter() {
    performance.mark("filter-start");
    found = findRows(data, facets, text, wanted(), search.value);
    showPage(0);
    const of = `of ${counted(data.rows.length)} answers`;
    document.getElementById("status").textContent = found.length ? `${counted(found.length)} ${of}` : `None ${of} fits these filters.`;
    performance.measure("filter", "filter-start");
  }

  function reset() {
    search.value = "";
    for (const select of Object.values(selects)) select.value = "";
  }

  /** Open the item that the page's address names, if it names one. */
  function openLinked() {
    const at = data.items.findIndex((item) => addressOf(item) === location.hash);
    if (at < 0) return false;
    reset();
    filter();
    const place = found.findIndex((row) => data.rows[row].item === at);
    if (place < 0) return false;
    showPage(Math.floor(place / PAGE));
    const entry = document.getElementById("rows").children[place % PAGE];
    toggle(entry, data.rows[found[place]]);
    entry.scrollIntoView();
    return true;
  }

  function connect() {
    let waiting = 0;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 120);
    });
    // Not on the whole form: the search field fires a change when a click on a row takes its focus, and would remove that row.
    for (const select of Object.values(selects)) select.addEventListener("change", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      reset();
      filter();
    });
    const turns = { "first-page": () => 0, "previous-page": () => page - 1, "next-page": () => page + 1, "last-page": () => Infinity };
    for (const [name, turn] of Object.entries(turns)) {
      document.getElementById(name).addEventListener("click", () => {
        showPage(turn());
        document.getElementById("status").scrollIntoView({ block: "center" });
      });
    }
    addEventListener("hashchange", openLinked);
  }

  fillSelects();
  connect();
  form.hidden = false;
  if (openLinked()) return;
  if (start.variant) choose("variant", JSON.stringify(start.variant));
  choose("cell", "recognition_only");
  filter();
}

/** Say in the page what is missing in the list of items. */
function warnOfMalformed(data) {
  if (!data.badItems && !data.badRows) return;
  const warning = document.getElementById("malformed");
  warning.textContent = `${counted(data.badItems)} malformed items and ${counted(data.badRows)} answers are not shown.`;
  warning.hidden = false;
}

async function showItems() {
  const status = document.getElementById("status");
  if (typeof DecompressionStream === "undefined") {
    status.textContent = "This browser can't unpack the items (it has no DecompressionStream).";
    return;
  }
  status.textContent = "The items are being unpacked …";
  try {
    const data = wellFormed(await unpackItems());
    warnOfMalformed(data);
    startBrowser(data, readStart());
  } catch (error) {
    document.querySelector(".filters").hidden = true;
    status.textContent = `The items in this file are damaged and can't be shown (${plain(String(error)).slice(0, 300)}). Write the report again.`;
  }
}

if (document.getElementById("items")) showItems();
