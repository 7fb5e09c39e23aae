// What belongs together: the selected layer, the tools above the graph, the theme.
const selectLayer = (index) => {
  graph.selected = index;
  markSelected();
  markRow(index);
  showDetails(index, goToLayer);
  history.replaceState(null, "", known(index) ? `#layer-${index}` : "#graph");
};

const goToLayer = (index) => {
  selectLayer(index);
  if (boxOfLayer(index) >= 0) scrollToBox(boxOfLayer(index));
};

const choices = (id, titles, choose) => {
  const select = document.getElementById(id);
  select.append(...titles.map((title, i) => create("option", { value: i }, title)));
  select.addEventListener("change", () => choose(Number(select.value)));
  if (titles.length > 1) return;
  select.hidden = true;
  select.previousElementSibling.hidden = true;
};

const drawLegend = () => {
  const entries = graph.measure ? legendOf(graph.measure) : [];
  const hint = "Click the graph to scroll in it. Ctrl and wheel zoom, arrow keys walk, / finds.";
  document.getElementById("legend").replaceChildren(
    ...entries.map(([fill, words]) => create("span", {}, create("i", { class: fill }), words)),
    create("span", { class: "hint" }, hint),
  );
};

const chooseMeasure = (i) => {
  graph.measure = measures[i];
  drawLegend();
  drawGraph();
};

const chooseView = (i) => {
  graph.view = data.views[i];
  drawGraph();
  if (boxOfLayer(graph.selected) >= 0) scrollToBox(boxOfLayer(graph.selected));
};

// Boxes that do not match are dimmed; Enter goes from one match to the next.
const startSearch = () => {
  const search = document.getElementById("search");
  let matches = [];
  let next = 0;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    const fits = ([, , index, label]) => `${data.layers[index].name} ${label}`.toLowerCase().includes(wanted);
    matches = graph.view.boxes.map((box, i) => (wanted && fits(box) ? i : -1)).filter((i) => i >= 0);
    next = 0;
    graph.boxes.forEach((box, i) => box.classList.toggle("dim", wanted !== "" && !matches.includes(i)));
    document.getElementById("found").textContent = wanted ? `${matches.length} found` : "";
    if (matches.length) scrollToBox(matches[0]);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !matches.length) return;
    selectLayer(graph.view.boxes[matches[next]][2]);
    scrollToBox(matches[next]);
    next = (next + 1) % matches.length;
  });
  window.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    search.focus();
    event.preventDefault();
  });
};

const startTheme = () => {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
  });
};

const BUTTONS = {
  "zoom-in": () => setZoom(graph.zoom * 1.25),
  "zoom-out": () => setZoom(graph.zoom / 1.25),
  "zoom-one": () => setZoom(1),
  "zoom-fit": fitZoom,
};

choices("measure", measures.map((measure) => measure.title), chooseMeasure);
choices("view", data.views.map((view) => view.title), chooseView);
for (const [id, action] of Object.entries(BUTTONS)) document.getElementById(id).addEventListener("click", action);
startTable();
startGraph();
startMoving();
startSearch();
startTheme();
drawLegend();
const linked = location.hash.match(/^#layer-(\d+)$/);
if (linked && data.layers[linked[1]]) goToLayer(Number(linked[1]));
else showDetails(undefined, goToLayer);
document.documentElement.dataset.ready = "yes";
