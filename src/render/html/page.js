"use strict";
const words = new Intl.Collator("en", { numeric: true });
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, at) => row.cells[at].dataset.key ?? row.cells[at].textContent;
  heads.forEach((head, at) => {
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numeric = head.classList.contains("number");
      const rows = [...body.rows].filter((row) => row.cells.length === heads.length);
      rows.sort((a, b) => {
        const [x, y] = [key(a, at), key(b, at)];
        const order = numeric ? Number(x) - Number(y) : words.compare(x, y);
        return down ? -order : order;
      });
      body.append(...rows);
    };
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sort();
      }
    });
  });
}
// Browsers break a name only where they must: it may break where the parts of an ARN, of a path, of a time end.
for (const cell of document.querySelectorAll("td, li, summary")) {
  for (const node of [...cell.childNodes]) {
    if (node.nodeType !== Node.TEXT_NODE || node.length <= 16) continue;
    const arn = node.data.startsWith("arn:");
    const end = cell.classList.contains("time") ? /(?<=T)/ : arn ? /(?<=[:\/_])/ : /(?<=[\/_])/;
    node.replaceWith(...node.data.split(end).flatMap((part, at) => (at === 0 ? [part] : [document.createElement("wbr"), part])));
  }
}
const filter = document.getElementById("filter");
const show = () => {
  const wanted = filter.value.toLowerCase();
  for (const table of document.querySelectorAll("table")) {
    let [shown, all] = [0, 0];
    for (const row of table.tBodies[0].querySelectorAll("tr:not(.none)")) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      all += 1;
      shown += row.hidden ? 0 : 1;
    }
    const count = table.parentElement.previousElementSibling.previousElementSibling.querySelector("output");
    count.textContent = (wanted === "" ? "" : shown.toLocaleString("en") + " of ") + all.toLocaleString("en");
  }
};
filter.addEventListener("input", show);
show();
