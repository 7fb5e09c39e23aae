// The panel beside the graph: all that is known about one layer.
const panel = document.getElementById("details");

const fact = (term, text) => (text ? [create("dt", {}, term), create("dd", {}, text)] : []);

const gridFacts = (grid) => (grid
  ? [
    ...fact("Range", `${+grid.low.toPrecision(4)} to ${+grid.high.toPrecision(4)}`),
    ...fact("Stored as", `${grid.dtype}, step ${+grid.scale.toPrecision(4)}, zero point ${grid.zero_point}`),
  ]
  : []);

const timeFacts = (time) => (time
  ? [...fact("Time", `${time.microseconds.toFixed(1)} µs, ${percent(time.share)}`), ...fact("Kernel", time.kernel)]
  : []);

const factsOf = (layer) => [
  ...fact("Operator", layer.label),
  ...fact("Computes on", layer.bits),
  ...fact("Not integer", layer.why),
  ...fact("Output", layer.grid ? layer.shape : [layer.dtype, layer.shape].filter(known).join(" ")),
  ...gridFacts(layer.grid),
  ...timeFacts(layer.time),
  ...fact("MACs", layer.macs && scaled(layer.macs)),
  ...fact("Parameters", layer.parameters && scaled(layer.parameters)),
];

const damageOf = (damage) => {
  if (!damage) return [];
  const figures = [
    [decibel(number(damage.sqnr_db)), "SQNR"],
    [decibel(number(damage.drop_db)), "added noise"],
    [percent(damage.clipped), "saturated"],
  ];
  return [
    create("div", { class: "trio" }, ...figures.map(([value, word]) =>
      create("div", {}, create("strong", {}, value), create("span", {}, word)))),
    create("p", {}, create("strong", {}, damage.cause.kind), `: ${damage.cause.sentence}`),
  ];
};

const constantsOf = (layer) =>
  (layer.constants ?? []).map(({ title, bins }) =>
    (bins ? histogram(title, bins) : create("p", { class: "note" }, title)));

// Without a selection: buttons to the layers that add most noise, or cost most.
const showOverview = (select) => {
  const measure = ["added", "time", "macs", "parameters"]
    .map((key) => measures.find((one) => one.key === key)).find(known);
  const parts = [create("p", { class: "note" }, "Choose a layer to see its figures, range and histograms.")];
  if (measure) {
    const ranked = data.layers.map((layer, i) => [measure.value(layer), i, layer])
      .filter(([value]) => known(value)).sort((a, b) => b[0] - a[0]).slice(0, 10);
    const items = ranked.map(([value, i, layer]) => {
      const button = create("button", { type: "button", class: "link" }, ...breakable(layer.name));
      button.addEventListener("click", () => select(i));
      return create("li", {}, button, create("span", {}, measure.text(value)));
    });
    parts.push(create("h3", {}, `Most ${measure.title.toLowerCase()}`), create("ol", { class: "ranking" }, ...items));
  }
  panel.replaceChildren(...parts);
};

const showLayer = (layer, select) => {
  const close = create("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => select(undefined));
  const activations = layer.activations
    ? [histogram("Result in the float model, and the range kept", layer.activations, layer.grid)]
    : [];
  panel.replaceChildren(
    close, create("h3", {}, ...breakable(layer.name)), ...damageOf(layer.damage),
    create("dl", { class: "facts" }, ...factsOf(layer)), ...activations, ...constantsOf(layer),
  );
};

const showDetails = (index, select) => {
  if (known(index)) showLayer(data.layers[index], select);
  else showOverview(select);
  panel.scrollTop = 0;
};
