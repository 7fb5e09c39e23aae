// Moving through the graph by keys, wheel and pointer.

// Down and up along the edges, left and right along the row; the number of a box or undefined.
const neighbourOf = (key) => {
  const { boxes, paths } = graph.view;
  const current = boxOfLayer(graph.selected);
  if (current < 0) return boxes.length ? 0 : undefined;
  if (key === "ArrowDown") return paths.find(([source]) => source === current)?.[1];
  if (key === "ArrowUp") return paths.find(([, target]) => target === current)?.[0];
  const side = key === "ArrowRight" ? 1 : -1;
  const [x, y] = boxes[current];
  return boxes.map((box, i) => [side * (box[0] - x), i])
    .filter(([gap, i]) => gap > 0 && boxes[i][1] === y).sort((a, b) => a[0] - b[0])[0]?.[1];
};

const step = (key) => {
  const next = neighbourOf(key);
  if (!known(next)) return;
  selectLayer(graph.view.boxes[next][2]);
  scrollToBox(next);
};

const KEYS = {
  "+": () => setZoom(graph.zoom * 1.25),
  "=": () => setZoom(graph.zoom * 1.25),
  "-": () => setZoom(graph.zoom / 1.25),
  Escape: () => selectLayer(undefined),
  ArrowDown: step, ArrowUp: step, ArrowLeft: step, ArrowRight: step,
};

const onKey = (event) => {
  const action = KEYS[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  action(event.key);
  event.preventDefault();
};

const onWheel = (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  const area = canvas.getBoundingClientRect();
  setZoom(graph.zoom * Math.exp(-event.deltaY / 300), [event.clientX - area.left, event.clientY - area.top]);
  event.preventDefault();
};

// Calls `move` with each event of a drag and with where the drag began.
const onDrag = (element, move) => {
  element.addEventListener("pointerdown", (event) => {
    if (event.button || (event.pointerType === "touch" && element === canvas)) return;
    const from = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop };
    graph.dragged = false;
    const onMove = (moved) => move(moved, from);
    onMove(event);
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", () => window.removeEventListener("pointermove", onMove), { once: true });
  });
};

const pan = (event, from) => {
  const [x, y] = [from.x - event.clientX, from.y - event.clientY];
  if (Math.abs(x) + Math.abs(y) > 4) graph.dragged = true;
  if (graph.dragged) canvas.scrollTo(from.left + x, from.top + y);
};

const jump = (event) => {
  const area = map.getBoundingClientRect();
  canvas.scrollTo(
    ((event.clientX - area.left) / area.width) * graph.size[0] * graph.zoom - canvas.clientWidth / 2,
    ((event.clientY - area.top) / area.height) * graph.size[1] * graph.zoom - canvas.clientHeight / 2,
  );
};

const startMoving = () => {
  canvas.addEventListener("keydown", onKey);
  canvas.addEventListener("wheel", onWheel, { passive: false });
  onDrag(canvas, pan);
  onDrag(map, jump);
};
