const TICKS = [1, 2, 5, 10, 30, 60, 120, 300, 600];
const SECOND = 4; // least width of a second in the timeline, pixels
const film = byId("film");
const slider = byId("threshold");
const chosen = byId("chosen");

// Return the text of a moment, such as 1:05 or 2:00:07.
function clock(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(Math.floor(seconds) % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// Return a distance in seconds with its sign.
const offset = (seconds) => (seconds ? `${seconds < 0 ? "\u2212" : "+"}${Math.abs(seconds)} s` : "0 s");

// Prepare the lists: the scores of each row as pairs of action and score, the rows of each person.
function index(data) {
  for (const model of data.models) {
    let pair = 0;
    model.rows = model.count.map((count) => {
      const found = [];
      for (; found.length < count; pair++) found.push([model.scores[2 * pair], model.scores[2 * pair + 1] / 1000]);
      return found;
    });
  }
  const people = new Map();
  data.rows.person.forEach((person, row) => {
    if (!people.has(person)) people.set(person, []);
    people.get(person).push(row);
  });
  data.people = new Map([...people].sort(([a], [b]) => a - b));
  data.colour = (person) => data.colours[person % data.colours.length];
}

// Return the lowest score at which an action is shown.
function threshold(data, action) {
  return chosen?.checked ? data.thresholds[action] / 1000 : Number(slider.value);
}

// Return the runs of consecutive seconds of some rows.
function runs(data, rows) {
  const found = [];
  for (const row of rows) {
    const last = found.at(-1)?.at(-1);
    if (last !== undefined && data.rows.second[row] === data.rows.second[last] + 1) found.at(-1).push(row);
    else found.push([row]);
  }
  return found;
}

// Return the rows in which a person does each action, the actions by their first second.
function actionsOf(data, rows) {
  const found = new Map();
  for (const row of rows) {
    for (const [action, score] of data.models[data.shown].rows[row]) {
      if (score < threshold(data, action)) continue;
      if (!found.has(action)) found.set(action, []);
      found.get(action).push({ row, score });
    }
  }
  return found;
}

const place = (data, time) => `${(100 * Math.min(Math.max(time, 0), data.seconds)) / data.seconds}%`;

// Return a bar over some consecutive seconds of a person.
function bar(data, rows, kind, text, strength) {
  const [first, last] = [rows[0], rows.at(-1)].map((row) => data.rows.second[row]);
  const [begin, end] = [Math.max(0, first - 0.5), Math.min(data.seconds, last + 0.5)];
  const span = first === last ? clock(first) : `${clock(first)} to ${clock(last)}`;
  const made = element("button", { type: "button", class: kind, title: `${text}, ${span}`, "aria-label": `${text}, ${span}` });
  made.style.cssText = `left:${place(data, begin)};width:${(100 * (end - begin)) / data.seconds}%;--strength:${strength}`;
  made.addEventListener("click", (event) => {
    let row = rows[0];
    if (event.detail) { // a mouse, not the keyboard
      const box = made.getBoundingClientRect();
      const second = begin + ((event.clientX - box.left) / box.width) * (end - begin);
      row = rows[Math.min(rows.length - 1, Math.max(0, Math.round(second - first)))];
    }
    select(data, row);
  });
  return made;
}

function lane(label, ...bars) {
  const line = element("div", { class: "lane" });
  line.append(...bars);
  return element("div", { class: "row" }, label, line);
}

function axis(data) {
  const between = TICKS.find((step) => data.seconds / step <= Math.max(8, (data.seconds * SECOND) / 60)) ?? 600;
  const ticks = [];
  for (let time = between; time < data.seconds; time += between) {
    const tick = element("span", { class: "tick" }, clock(time));
    tick.style.left = place(data, time);
    ticks.push(tick);
  }
  const made = lane(element("div", {}, "person"), ...ticks);
  made.classList.add("axis");
  made.lastChild.addEventListener("click", (event) => {
    const box = made.lastChild.getBoundingClientRect();
    film.currentTime = ((event.clientX - box.left) / box.width) * data.seconds;
  });
  return made;
}

function drawTimeline(data) {
  const inner = element("div", { id: "inner" });
  inner.style.width = `calc(var(--names) + ${Math.round(data.seconds * SECOND)}px)`;
  inner.append(axis(data));
  for (const [person, rows] of data.people) {
    const label = element("div", {}, element("span", { class: "number" }, person));
    const seen = runs(data, rows).map((run) => bar(data, run, "seen", `person ${person}`, 1));
    const block = element("div", { class: "who" }, lane(label, ...seen));
    block.style.setProperty("--colour", data.colour(person));
    for (const [action, found] of actionsOf(data, rows)) {
      const score = new Map(found.map((one) => [one.row, one.score]));
      const bars = runs(data, found.map((one) => one.row)).map((run) => {
        const mean = run.reduce((sum, row) => sum + score.get(row), 0) / run.length;
        return bar(data, run, "mark", `person ${person}: ${data.actions[action]} ${mean.toFixed(2)}`, 0.3 + 0.7 * mean);
      });
      block.append(lane(element("div", { title: data.actions[action] }, data.actions[action]), ...bars));
    }
    inner.append(block);
  }
  inner.append(element("div", { id: "now" }));
  const timeline = byId("timeline");
  const [left, top] = [timeline.scrollLeft, timeline.scrollTop];
  timeline.replaceChildren(inner);
  if (!data.people.size) timeline.append(element("p", {}, "The film has no people."));
  timeline.scrollTo(left, top);
  drawNow(data);
}

function drawNow(data) {
  byId("now").style.left = `calc(var(--names) + (100% - var(--names)) * ${Math.min(1, film.currentTime / data.seconds)})`;
}

function picture(data, number) {
  return element("img", { src: `data:image/jpeg;base64,${data.pictures[number]}`, alt: `person at ${clock(data.places[number])}` });
}

// Return what a model says of a row: its actions with scores, the shown ones first.
function said(data, model, row) {
  const title = element("h3", {}, element("span", { class: "swatch" }), model.name);
  title.firstChild.style.background = model.colour;
  const made = element("div", { class: "said" }, title);
  made.style.setProperty("--of-model", model.colour);
  for (const [action, score] of model.rows[row]) {
    const line = element("i");
    line.style.width = `${100 * score}%`;
    const low = score < threshold(data, action) ? "low" : "";
    made.append(element("div", { class: low }, element("span", {}, data.actions[action]), element("span", {}, line), element("small", {}, score.toFixed(2))));
  }
  return made;
}

// Return what a model's operator looked at for a row: a strip of the window, and the highest rows.
function looked(data, model, row) {
  const { place: places, weight, window: width, seconds, empty } = data.attention[model.name];
  const most = weight.length / data.rows.second.length;
  const first = -Math.floor(width / 2);
  const share = seconds.slice(row * width, (row + 1) * width);
  const highest = Math.max(1, ...share);
  const strip = element("div", { class: "strip" }, ...share.map((value, i) => {
    const column = element("i");
    column.style.height = `${(100 * value) / highest}%`;
    return element("span", { title: `${offset(first + i)}: ${(value / 10).toFixed(1)} %`, class: first + i ? "" : "keyframe" }, column);
  }));
  const entries = element("div", { class: "entries" });
  for (let i = row * most; i < (row + 1) * most; i++) {
    const number = places[i];
    if (number < 0 || weight[i] * 10 < weight[row * most]) continue;
    const known = number < data.rows.second.length;
    const cut = element("button", { type: "button" }, picture(data, number));
    cut.addEventListener("click", () => { known ? select(data, number) : film.currentTime = data.places[number]; });
    const does = known ? data.models[data.shown].rows[number].filter(([action, score]) => score >= threshold(data, action)) : [];
    const text = [known ? `person ${data.rows.person[number]}` : "", ...does.map(([action]) => data.actions[action])].filter(Boolean);
    entries.append(element("figure", {}, cut, element("figcaption", {},
      element("b", {}, `${offset(data.places[number] - data.rows.second[row])}, ${(weight[i] / 10).toFixed(0)} %`), element("br"), text.join(", "))));
  }
  const nothing = empty[row] >= 10 ? ` ${(empty[row] / 10).toFixed(0)} % of its attention went to empty slots.` : "";
  const made = element("div", { class: "look" }, element("h3", {}, `What ${model.name} looked at`), strip,
    element("div", { class: "ends" }, element("span", {}, offset(first)), element("span", {}, offset(first + width - 1))),
    entries, element("p", { class: "muted" }, `Share of the attention of each second around this one, and the people with the largest shares.${nothing}`));
  made.style.setProperty("--of-model", model.colour);
  return made;
}

// Show a row below, and go there in the film.
function select(data, row) {
  data.selected = row;
  film.currentTime = data.rows.second[row];
  const person = data.rows.person[row];
  const rows = data.people.get(person);
  const at = rows.indexOf(row);
  const step = (text, to) => {
    const made = element("button", { type: "button" }, text);
    if (to === undefined) made.disabled = true;
    else made.addEventListener("click", () => select(data, to));
    return made;
  };
  const title = element("h2", {}, element("span", { class: "number" }, person), `Person ${person} at ${clock(data.rows.second[row])}`,
    step("earlier", rows[at - 1]), step("later", rows[at + 1]));
  title.style.setProperty("--colour", data.colour(person));
  const scene = element("div", { class: "scene" }, picture(data, row), ...data.models.map((model) => said(data, model, row)));
  const attending = data.models.filter((model) => model.name in data.attention);
  byId("details").replaceChildren(title, scene, ...attending.map((model) => looked(data, model, row)));
  history.replaceState(null, "", `#person=${person}&second=${data.rows.second[row]}`);
}

function draw(data) {
  slider.disabled = chosen?.checked ?? false;
  byId("value").textContent = Number(slider.value).toFixed(2);
  drawTimeline(data);
  if (data.selected !== undefined) select(data, data.selected);
}

readContent().then((data) => {
  index(data);
  draw(data);
  slider.addEventListener("input", () => draw(data));
  chosen?.addEventListener("change", () => draw(data));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  const follow = () => { drawNow(data); if (!film.paused) requestAnimationFrame(follow); };
  for (const event of ["play", "seeked", "timeupdate"]) film.addEventListener(event, follow);
  film.addEventListener("error", () => { byId("lost").hidden = false; });
  const asked = new URLSearchParams(location.hash.slice(1));
  const row = data.rows.person.findIndex((person, i) =>
    String(person) === asked.get("person") && String(data.rows.second[i]) === asked.get("second"));
  if (row >= 0) select(data, row);
});
