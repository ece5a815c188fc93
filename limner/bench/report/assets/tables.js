"use strict";
// Tables whose rows are sorted by the heading that is pressed: once rising, once more falling. What has no number comes last.

const collator = new Intl.Collator("en", { numeric: true });

function compareValues(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return collator.compare(String(one), String(other));
}

// Fills a <table> from {title, columns: [{heading, digits}], rows}; digits null: a column of text.
function drawTable(target, table, rows = table.rows, sorting = null) {
  const head = element("tr");
  table.columns.forEach((column, place) => {
    const button = element("button", { type: "button" }, column.heading);
    const sort = sorting && sorting.place === place ? sorting.order : "none";
    const th = element("th", { scope: "col", "aria-sort": sort, class: column.digits === null ? "" : "number" }, button);
    button.addEventListener("click", () => {
      const order = sort === "ascending" ? "descending" : "ascending";
      drawTable(target, table, sorted(rows, place, order), { place, order });
      target.querySelectorAll("thead button")[place].focus();
    });
    head.append(th);
  });
  const body = element("tbody");
  for (const row of rows) {
    const tr = element("tr");
    row.forEach((value, place) => {
      const digits = table.columns[place].digits;
      tr.append(element("td", { class: digits === null ? "text" : "number" }, shown(value, digits)));
    });
    body.append(tr);
  }
  target.replaceChildren(element("caption", { class: "hidden" }, table.title), element("thead", {}, head), body);
}

function sorted(rows, place, order) {
  const sign = order === "ascending" ? 1 : -1;
  return [...rows].sort((one, other) => {
    const missing = (one[place] === null) - (other[place] === null);
    return missing || (one[place] === null ? 0 : sign * compareValues(one[place], other[place]));
  });
}

function drawNumbers() {
  const own = group.tables.map((table) => [table.name, table.title]);
  fill(by("which-table"), own);
  drawChosen();
}

function drawChosen() {
  const table = group.tables.find((candidate) => candidate.name === by("which-table").value);
  by("table-words").textContent = table.words;
  const wanted = by("filter").value.trim().toLowerCase();
  const rows = table.rows.filter((row) => row.some((value) => String(value ?? "").toLowerCase().includes(wanted)));
  drawTable(by("table"), table, rows);
}

function drawPublished() {
  by("published").hidden = group.published.length === 0;
  if (group.published.length === 0) return;
  fill(by("which-published"), group.published.map((table) => [table.name, table.title]));
  const table = group.published.find((candidate) => candidate.name === by("which-published").value);
  by("published-words").textContent = table.words;
  drawTable(by("published-table"), table);
}

function startNumbers() {
  by("which-published").addEventListener("change", drawPublished);
  by("which-table").addEventListener("change", drawChosen);
  by("filter").addEventListener("input", drawChosen);
}
