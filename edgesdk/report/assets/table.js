// The table of layers: click a heading to sort, type to filter, click a name to see the layer.
const layerTable = document.getElementById("layer-table");
const layerRows = [...layerTable.tBodies[0].rows];

const sortKey = (row, column) => {
  const cell = row.cells[column];
  if (!cell.classList.contains("num")) return cell.textContent;
  const value = cell.dataset.value;
  return value === undefined || value === "nan" ? undefined : Number(value.replace("inf", "Infinity"));
};

const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

// Rows without a figure stay at the end, whichever way the others go.
const sortBy = (heading, column) => {
  const first = heading.dataset.first;
  const second = first === "ascending" ? "descending" : "ascending";
  const order = heading.getAttribute("aria-sort") === first ? second : first;
  for (const other of layerTable.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const side = order === "ascending" ? 1 : -1;
  const keyed = layerRows.map((row) => [sortKey(row, column), row]);
  const sorted = keyed.filter(([key]) => known(key)).sort((a, b) => side * compare(a[0], b[0]));
  layerTable.tBodies[0].append(...[...sorted, ...keyed.filter(([key]) => !known(key))].map(([, row]) => row));
};

const filterRows = (text) => {
  const wanted = text.toLowerCase();
  for (const row of layerRows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  const shown = layerRows.filter((row) => !row.hidden).length;
  document.getElementById("table-count").textContent = `${shown} of ${layerRows.length}`;
};

const startTable = () => {
  [...layerTable.tHead.rows[0].cells].forEach((heading, column) =>
    heading.firstElementChild.addEventListener("click", () => sortBy(heading, column)));
  for (const row of layerRows) {
    row.querySelector("button").addEventListener("click", () => {
      goToLayer(Number(row.dataset.layer));
      document.getElementById("graph").scrollIntoView();
    });
  }
  const filter = document.getElementById("table-filter");
  filter.addEventListener("input", () => filterRows(filter.value));
  filterRows("");
};

const markRow = (index) => {
  for (const row of layerRows) row.classList.toggle("selected", Number(row.dataset.layer) === index);
};
