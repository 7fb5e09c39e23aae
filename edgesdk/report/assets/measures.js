// What the colour of a layer can mean. `value` gives a number or undefined; `limits` are the ends of
// the classes, the harmless one first; `rising` false means that small values are bad.
const data = JSON.parse(document.getElementById("report-data").textContent);

const number = (value) => (typeof value === "number" ? value : value === "inf" ? Infinity : undefined);

const known = (value) => value !== undefined && value !== null;

const scaled = (value) => {
  for (const [unit, step] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (Math.abs(value) >= step) return `${+(value / step).toPrecision(3)} ${unit}`;
  }
  return `${+value.toPrecision(3)}`;
};

const decibel = (value) => (value === Infinity ? "exact" : `${value.toFixed(1)} dB`);

const percent = (value) => `${+(100 * value).toPrecision(2)} %`;

// SQNR falls by 6 dB a bit: classes of one bit each around the median.
const sqnrLimits = () => {
  const values = data.layers.map((layer) => layer.damage && number(layer.damage.sqnr_db)).filter(known);
  values.sort((a, b) => a - b);
  const middle = 6 * Math.floor((values[values.length >> 1] ?? 24) / 6);
  return [12, 6, 0, -6].map((gap) => middle + gap);
};

// Widths of weights (w) and activations (a) -> colour class.
const WIDTHS = [["w4", "kind0"], ["a16", "kind2"], ["a8", "kind1"], ["w", "kind3"], ["", "kind4"]];
const fillOfBits = (bits) => WIDTHS.find(([part]) => bits.includes(part))[1];

const allMeasures = [
  {
    key: "sqnr", title: "SQNR", limits: sqnrLimits(), rising: false, text: decibel,
    value: (layer) => layer.damage && number(layer.damage.sqnr_db),
  },
  {
    key: "added", title: "Added noise", limits: [0, 1, 3, 6], rising: true, text: decibel,
    value: (layer) => layer.damage && number(layer.damage.drop_db),
  },
  {
    key: "clipped", title: "Saturation", limits: [1e-5, 1e-4, 1e-3, 1e-2], rising: true, text: percent,
    value: (layer) => layer.damage && number(layer.damage.clipped),
  },
  { key: "time", title: "Time", rising: true, text: percent, value: (layer) => layer.time && layer.time.share },
  { key: "macs", title: "Multiply-accumulates", rising: true, text: scaled, value: (layer) => layer.macs || undefined },
  { key: "parameters", title: "Parameters", rising: true, text: scaled, value: (layer) => layer.parameters || undefined },
  {
    key: "bits", title: "Bits", text: (value) => value, classes: [...new Set(data.layers.map((layer) => layer.bits))],
    value: (layer) => layer.bits || undefined,
  },
];

// Only what tells layers apart; without natural limits the classes are parts of the largest value.
const measures = allMeasures.filter((measure) => {
  const values = new Set(data.layers.map(measure.value).filter(known));
  measure.limits ??= measure.classes ? [] : [0.02, 0.1, 0.25, 0.5].map((part) => part * Math.max(...values));
  return values.size > 1;
});

// Name of the colour class of a layer, "none" where the measure says nothing about it.
const fillOf = (measure, layer) => {
  const value = measure && measure.value(layer);
  if (!known(value)) return "none";
  if (measure.classes) return fillOfBits(value);
  return `heat${measure.limits.filter((limit) => (measure.rising ? value > limit : value < limit)).length}`;
};

// Colour class and words of each class, for the legend.
const legendOf = (measure) => {
  if (measure.classes) {
    const words = new Map();
    for (const bits of measure.classes.filter(Boolean)) {
      const fill = fillOfBits(bits);
      words.set(fill, words.has(fill) ? `${words.get(fill)}, ${bits}` : bits);
    }
    return [...words];
  }
  const [within, beyond] = measure.rising ? ["up to", "above"] : ["at least", "below"];
  const words = measure.limits.map((limit) => `${within} ${measure.text(limit)}`);
  words.push(`${beyond} ${measure.text(measure.limits[measure.limits.length - 1])}`);
  return words.map((word, i) => [`heat${i}`, word]);
};
