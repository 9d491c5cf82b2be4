"""The pages' only script: it sorts tables by a column, and filters long ones. Without it the pages are whole."""

from __future__ import annotations

TABLES = """
"use strict";
const LONG = 12;  // rows, beyond which a table is filtered
const order = new Intl.Collator("en", {numeric: true, sensitivity: "base"});

// A row and the notes below it, which move together.
function groups(body) {
  const found = [];
  for (const row of body.rows) {
    if (row.classList.contains("note") && found.length) found.at(-1).push(row); else found.push([row]);
  }
  return found;
}

function key(group, column) {
  const cell = group[0].cells[column], time = cell?.querySelector("time");
  return time ? time.dateTime : cell?.querySelector("[data-sort]")?.dataset.sort ?? cell?.textContent.trim() ?? "";
}

function sort(table, column) {
  const head = table.tHead.rows[0].cells[column], down = head.getAttribute("aria-sort") === "ascending";
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0], sign = down ? -1 : 1;
  const sorted = groups(body).sort((a, b) => {
    const one = key(a, column), other = key(b, column);
    return one === "" || other === "" ? (one === "") - (other === "") : sign * order.compare(one, other);
  });
  body.append(...sorted.flat());
}

function filter(table, caption) {
  const box = document.createElement("input"), count = document.createElement("span");
  box.type = "search"; box.placeholder = "Filter"; box.setAttribute("aria-label", `Filter: ${caption}`);
  const show = () => {
    const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean), all = groups(table.tBodies[0]);
    let kept = 0;
    for (const rows of all) {
      const text = rows.map(row => row.textContent).join(" ").toLowerCase();
      const wanted = words.every(word => text.includes(word));
      for (const row of rows) row.hidden = !wanted;
      kept += wanted;
    }
    count.textContent = words.length ? `${kept} of ${all.length}` : "";
  };
  box.addEventListener("input", show);
  const tools = document.createElement("div");
  tools.className = "tools"; tools.append(box, count);
  table.closest(".scroll").before(tools);
}

for (const table of document.querySelectorAll(".scroll table")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, column));
    head.replaceChildren(button);
  });
  const searched = document.querySelector("form.tools input[type=search]");
  if (groups(table.tBodies[0]).length > LONG && !searched) filter(table, table.caption?.textContent ?? "");
}
"""
