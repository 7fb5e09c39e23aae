// Elements by name; text is always set as text, never as HTML.
const filled = (element, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(known));
  return element;
};

const create = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);

// A name that may break after its separators.
const breakable = (name) =>
  name.split(/(?<=[/._;])/).flatMap((part) => [document.createElement("wbr"), part]);

const svgNamespace = document.getElementById("drawing").namespaceURI;

const draw = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(svgNamespace, name), attributes, children);

const [PLOT_WIDTH, PLOT_HEIGHT, PLOT_BASE] = [340, 96, 78];

// A rectangle for each bin. Heights are square roots, so that tails are seen; what lies beyond the
// range that is kept is drawn as lost.
const barsOf = (bins, range, x) => {
  const tallest = Math.sqrt(Math.max(...bins.counts));
  const step = (bins.high - bins.low) / bins.counts.length;
  return bins.counts.map((count, i) => {
    const [left, right] = [bins.low + i * step, bins.low + (i + 1) * step];
    const height = (Math.sqrt(count) / tallest) * (PLOT_BASE - 6);
    const lost = range && (right <= range.low || left >= range.high);
    return draw("rect", {
      x: x(left), y: PLOT_BASE - height, width: Math.max(x(right) - x(left) - 0.5, 1), height,
      class: lost ? "lost" : "bar",
    });
  });
};

const histogram = (title, bins, range) => {
  const low = Math.min(bins.low, range ? range.low : Infinity);
  const high = Math.max(bins.high, range ? range.high : -Infinity);
  const x = (value) => (high > low ? ((value - low) / (high - low)) * PLOT_WIDTH : PLOT_WIDTH / 2);
  const label = (value, anchor) =>
    draw("text", { x: x(value), y: PLOT_HEIGHT - 4, "text-anchor": anchor }, `${+value.toPrecision(3)}`);
  const upright = (value, kind) => draw("line", { x1: x(value), x2: x(value), y1: 2, y2: PLOT_BASE, class: kind });
  const zero = x(0) > 40 && x(0) < PLOT_WIDTH - 40;
  const picture = draw(
    "svg",
    { viewBox: `-1 0 ${PLOT_WIDTH + 2} ${PLOT_HEIGHT}`, class: "histogram", role: "img", "aria-label": title },
    ...barsOf(bins, range, x),
    draw("line", { x1: 0, x2: PLOT_WIDTH, y1: PLOT_BASE, y2: PLOT_BASE, class: "axis" }),
    ...(range ? [upright(range.low, "limit"), upright(range.high, "limit")] : []),
    label(low, "start"), zero ? label(0, "middle") : undefined, high > low ? label(high, "end") : undefined,
  );
  return create("figure", {}, create("figcaption", {}, title), picture);
};
