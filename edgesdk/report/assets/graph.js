// The graph: boxes and edges at the places that the report computed. The canvas is an ordinary
// scroll area, so that wheel, touch and scroll bars work as everywhere; zoom is the drawing's size.
const canvas = document.getElementById("canvas");
const drawing = document.getElementById("drawing");
const map = document.getElementById("map");
const [boxWidth, boxHeight] = data.box;
const MARGIN = 24;

const graph = { view: data.views[0], measure: measures[0], zoom: 1, selected: undefined, boxes: [], paths: [] };

// A shape without its batch: 3×224×224.
const compact = (shape) => shape.split(" × ").slice(shape.includes("×") ? 1 : 0).join("×");

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// What a resting pointer tells: every measure that says something about the layer.
const hoverText = (layer) => {
  const told = measures.map((measure) => [measure.title, measure.value(layer), measure.text])
    .filter(([, value]) => known(value)).map(([title, value, text]) => `${title}: ${text(value)}`);
  return [layer.name, `${layer.label} ${layer.shape ?? ""}`, ...told].join("\n");
};

const boxOf = ([x, y, index, label]) => {
  const layer = data.layers[index];
  const value = graph.measure && graph.measure.value(layer);
  const figure = known(value) ? graph.measure.text(value) : "";
  const group = draw(
    "g", { transform: `translate(${x + MARGIN} ${y + MARGIN})`, class: `box ${fillOf(graph.measure, layer)}` },
    draw("title", {}, hoverText(layer)),
    draw("rect", { width: boxWidth, height: boxHeight, rx: 6 }),
    draw("text", { x: 10, y: 18, class: label.length > 16 ? "op long" : "op" }, shortened(label, 24)),
    draw("text", { x: 10, y: 35 }, shortened(compact(layer.shape ?? ""), figure ? 16 : 25)),
    draw("text", { x: boxWidth - 10, y: 35, "text-anchor": "end" }, figure),
  );
  group.addEventListener("click", () => !graph.dragged && selectLayer(index === graph.selected ? undefined : index));
  return group;
};

// A smooth line through points that go down row by row.
const pathOf = ([, , points]) => {
  let d = `M${points[0] + MARGIN} ${points[1] + MARGIN}`;
  for (let i = 2; i < points.length; i += 2) {
    const [x0, y0, x, y] = points.slice(i - 2, i + 2).map((place) => place + MARGIN);
    const middle = (y0 + y) / 2;
    d += x0 === x ? `L${x} ${y}` : `C${x0} ${middle} ${x} ${middle} ${x} ${y}`;
  }
  return draw("path", { d });
};

const drawGraph = () => {
  graph.boxes = graph.view.boxes.map(boxOf);
  graph.paths = graph.view.paths.map(pathOf);
  graph.size = graph.view.size.map((length) => length + 2 * MARGIN);
  drawing.setAttribute("viewBox", `0 0 ${graph.size[0]} ${graph.size[1]}`);
  drawing.replaceChildren(...graph.paths, ...graph.boxes);
  drawMap();
  setZoom(graph.zoom);
  markSelected();
};

const drawMap = () => {
  graph.window = draw("rect", { class: "window" });
  const boxes = graph.view.boxes.map(([x, y, index]) =>
    draw("rect", {
      x: x + MARGIN, y: y + MARGIN, width: boxWidth, height: boxHeight,
      class: fillOf(graph.measure, data.layers[index]),
    }));
  map.setAttribute("viewBox", `0 0 ${graph.size[0]} ${graph.size[1]}`);
  map.setAttribute("preserveAspectRatio", "none");
  map.replaceChildren(...boxes, graph.window);
};

// The part of the graph that the canvas shows, on the map.
const moveWindow = () => {
  const place = {
    x: canvas.scrollLeft / graph.zoom, y: canvas.scrollTop / graph.zoom,
    width: Math.min(canvas.clientWidth / graph.zoom, graph.size[0]),
    height: Math.min(canvas.clientHeight / graph.zoom, graph.size[1]),
  };
  for (const [key, value] of Object.entries(place)) graph.window.setAttribute(key, value);
};

// Keeps the point of the drawing that is at `at`, in pixels of the canvas.
const setZoom = (zoom, at = [canvas.clientWidth / 2, canvas.clientHeight / 2]) => {
  const place = [(canvas.scrollLeft + at[0]) / graph.zoom, (canvas.scrollTop + at[1]) / graph.zoom];
  graph.zoom = Math.min(Math.max(zoom, 0.05), 3);
  drawing.setAttribute("width", graph.size[0] * graph.zoom);
  drawing.setAttribute("height", graph.size[1] * graph.zoom);
  canvas.scrollTo(place[0] * graph.zoom - at[0], place[1] * graph.zoom - at[1]);
  moveWindow();
};

const fitZoom = () =>
  setZoom(Math.min(canvas.clientWidth / graph.size[0], canvas.clientHeight / graph.size[1]));

const scrollToBox = (i) => {
  const [x, y] = graph.view.boxes[i];
  canvas.scrollTo(
    (x + MARGIN + boxWidth / 2) * graph.zoom - canvas.clientWidth / 2,
    (y + MARGIN + boxHeight / 2) * graph.zoom - canvas.clientHeight / 2,
  );
};

// The first box of a layer in this view, -1 without.
const boxOfLayer = (index) => graph.view.boxes.findIndex((box) => box[2] === index);

const markSelected = () => {
  const chosen = (i) => graph.view.boxes[i][2] === graph.selected;
  graph.boxes.forEach((box, i) => box.classList.toggle("selected", chosen(i)));
  graph.paths.forEach((path, i) => {
    const [source, target] = graph.view.paths[i];
    path.classList.toggle("selected", chosen(source) || chosen(target));
  });
};

const startGraph = () => {
  drawGraph();
  const wide = canvas.clientWidth / graph.size[0];
  setZoom(wide < 1 ? Math.max(wide, 0.6) : 1);
  if (graph.boxes.length) scrollToBox(0);
  canvas.addEventListener("scroll", moveWindow);
  window.addEventListener("resize", moveWindow);
};
