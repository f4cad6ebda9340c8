// Sort tables by any column, by mouse or keyboard: each heading contains a button.

/** Compare two cells; undefined cells are last in both directions. */
function compareCells(one, other, sign) {
  if (one === "" || other === "") return (one === "") - (other === "");
  const [a, b] = [Number(one), Number(other)];
  const order = Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other, "en", { numeric: true }) : a - b;
  return sign * order;
}

/** Sort numbers from the largest, words from the first; a second press reverses the order. */
function sortBy(table, heading) {
  const descending = heading.getAttribute("aria-sort")
    ? heading.getAttribute("aria-sort") === "ascending"
    : heading.classList.contains("number");
  const place = heading.cellIndex;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((a, b) => compareCells(a.cells[place].dataset.order, b.cells[place].dataset.order, descending ? -1 : 1));
  body.append(...rows);
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.querySelectorAll('th[scope="col"]')) {
    const button = element("button", "", { type: "button" }, heading.textContent);
    heading.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, heading));
  }
}
