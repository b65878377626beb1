const PER_PAGE = 24;
const ANY = -1; // no action chosen
const filters = byId("filters");

// Return where the part of each owner begins, and the end of the last one.
function starts(counts) {
  const found = new Uint32Array(counts.length + 1);
  counts.forEach((count, i) => { found[i + 1] = found[i] + count; });
  return found;
}

// Prepare the lists: the people of keyframe k are people[k] to people[k + 1], and so on.
function index(data) {
  const people = starts(data.keyframes.people);
  const actions = starts(data.people.actions);
  const does = (p, action) => {
    for (let i = actions[p]; i < actions[p + 1]; i++) if (data.people.action[i] === action) return true;
    return false;
  };
  // A model's pairs of a person: as many as true actions, then the missed ones, as many as are wrong.
  for (const model of data.models) {
    const { detected, strangers, box } = data.detections[model.detections];
    Object.assign(model, { detected, firstStranger: starts(strangers), strangerBox: box });
    let pair = 0;
    model.start = detected.map((found, p) => {
      const first = pair;
      if (found) {
        const last = first + data.people.actions[p];
        let wrong = 0;
        for (let i = first; i < last; i++) if (!does(p, model.answers[2 * i])) wrong++;
        pair = last + wrong;
      }
      return first;
    });
    model.start.push(pair);
  }
  return { people, actions, does };
}

// Call visit(kind, action, score, person) for all that a model says of a keyframe.
function visitKeyframe(data, lists, model, k, visit) {
  for (let p = lists.people[k]; p < lists.people[k + 1]; p++) {
    if (!model.detected[p]) {
      for (let i = lists.actions[p]; i < lists.actions[p + 1]; i++) visit("undetected", data.people.action[i], 0, p);
    }
    const answers = model.start[p] + data.people.actions[p];
    for (let i = model.start[p]; i < model.start[p + 1]; i++) {
      const action = model.answers[2 * i];
      const kind = i >= answers ? "miss" : lists.does(p, action) ? "found" : "false";
      visit(kind, action, model.answers[2 * i + 1], p);
    }
  }
  for (let s = model.firstStranger[k]; s < model.firstStranger[k + 1]; s++) {
    visit("stranger", model.strangers[2 * s], model.strangers[2 * s + 1], null);
  }
}

const SIZE = { found: () => 0, false: (score) => score, miss: (score) => 1000 - score,
  undetected: () => 1000, stranger: (score) => score };

// Return the keyframes that the choice asks for.
function choose(data, lists, choice) {
  const model = data.models[choice.model];
  const isKind = (kind) => choice.error === "all" || choice.error === kind || (choice.error === "any" && kind !== "found");
  const takenFor = (p) => {
    if (choice.error !== "miss" || choice.as === ANY) return true;
    for (let i = model.start[p]; i < model.start[p + 1]; i++) {
      if (model.answers[2 * i] === choice.as && !lists.does(p, choice.as)) return true;
    }
    return false;
  };
  const found = [];
  const size = new Map();
  data.keyframes.second.forEach((_, k) => {
    if (choice.video !== ANY && data.keyframes.video[k] !== choice.video) return;
    let largest = -1;
    visitKeyframe(data, lists, model, k, (kind, action, score, p) => {
      if ((choice.class === ANY || choice.class === action) && isKind(kind) && takenFor(p)) {
        largest = Math.max(largest, SIZE[kind](score));
      }
    });
    if (largest >= 0) {
      found.push(k);
      size.set(k, largest);
    }
  });
  if (choice.order === "size") {
    const pictured = (k) => Number(k in data.pictures);
    found.sort((a, b) => size.get(b) - size.get(a) || pictured(b) - pictured(a) || a - b);
  }
  return found;
}

function answer(data, kind, action, score, choice) {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", kind === "found" ? "#right" : "#wrong");
  icon.append(use);
  const sought = choice.class === action ? " sought" : "";
  const words = kind === "miss" ? "missed " : "";
  return element("span", { class: `answer ${kind === "found" ? "right" : "wrong"}${sought}` },
    icon, `${words}${data.classes[action]} `, element("small", {}, (score / 1000).toFixed(2)));
}

function box(numbers, at, classes) {
  const [x1, y1, x2, y2] = numbers.slice(4 * at, 4 * at + 4).map((n) => n / 10);
  return element("div", { class: `box ${classes}`,
    style: `left:${x1}%;top:${y1}%;width:${x2 - x1}%;height:${y2 - y1}%` });
}

function letter(text, numbers, at) {
  const [x, y] = numbers.slice(4 * at, 4 * at + 2).map((n) => n / 10);
  return element("span", { class: "letter", style: `left:${x}%;top:max(0px, ${y}% - 18px)` }, text);
}

// Return one keyframe as a card: its picture with boxes, and the answers for each person.
function card(data, lists, k, choice) {
  const model = data.models[choice.model];
  const video = data.videos[data.keyframes.video[k]];
  const frame = element("div", { class: "frame", style: `aspect-ratio:${video.width} / ${video.height}` });
  if (data.pictures[k]) {
    const pixels = video.width < 160 ? "pixels" : "";
    frame.append(element("img", { src: `data:image/jpeg;base64,${data.pictures[k]}`, alt: "", class: pixels }));
  }
  const said = new Map();
  visitKeyframe(data, lists, model, k, (kind, action, score, p) => {
    if (p !== null) said.set(p, [...(said.get(p) ?? []), [kind, action, score]]);
  });
  const rows = [];
  for (let p = lists.people[k]; p < lists.people[k + 1]; p++) {
    const name = String.fromCharCode(65 + ((p - lists.people[k]) % 26));
    const actions = data.people.action.slice(lists.actions[p], lists.actions[p + 1]);
    const wrong = said.get(p).some(([kind]) => kind !== "found");
    frame.append(box(data.people.box, p, wrong ? "wrong" : ""), letter(name, data.people.box, p));
    const answers = model.detected[p]
      ? said.get(p).map((what) => answer(data, ...what, choice))
      : [element("span", { class: "answer wrong" }, "no detected box")];
    rows.push(element("div", { class: "person" }, element("span", { class: "letter" }, name),
      element("span", { class: "true" }, actions.map((action) => data.classes[action]).join(", ")),
      element("span", { class: "answers" }, ...answers)));
  }
  for (let s = model.firstStranger[k]; s < model.firstStranger[k + 1]; s++) {
    frame.append(box(model.strangerBox, s, "stranger"));
    rows.push(element("div", { class: "person" }, element("span", { class: "muted" }, "?"),
      element("span", {}, "dashed box, nobody annotated ",
        answer(data, "false", model.strangers[2 * s], model.strangers[2 * s + 1], choice))));
  }
  return element("article", { class: "card" },
    element("h2", {}, `${video.name}, second ${data.keyframes.second[k]}`), frame, ...rows);
}

// The address after # holds the choice, so that a link or the back button brings it back.
function readAddress(data) {
  const asked = new URLSearchParams(location.hash.slice(1));
  const place = (names, key, otherwise) => {
    const found = names.indexOf(asked.get(key));
    return found < 0 ? otherwise : found;
  };
  const option = (key) => [...filters.elements[key].options].some((o) => o.value === asked.get(key)) ? asked.get(key) : null;
  return {
    model: place(data.models.map((model) => model.name), "model", data.best),
    video: place(data.videos.map((video) => video.name), "video", ANY),
    class: place(data.classes, "class", ANY),
    as: place(data.classes, "as", ANY),
    error: option("error") ?? "all",
    order: option("order") ?? "video",
    page: Math.max(Number.parseInt(asked.get("page"), 10) || 1, 1),
  };
}

function writeAddress(data, choice) {
  const asked = new URLSearchParams({ model: data.models[choice.model].name, error: choice.error, order: choice.order });
  if (choice.video !== ANY) asked.set("video", data.videos[choice.video].name);
  if (choice.class !== ANY) asked.set("class", data.classes[choice.class]);
  if (choice.as !== ANY && choice.error === "miss") asked.set("as", data.classes[choice.as]);
  if (choice.page > 1) asked.set("page", choice.page);
  location.hash = asked;
}

function fill(name, texts, any) {
  const options = texts.map((text, i) => element("option", { value: i }, text));
  if (any) options.unshift(element("option", { value: ANY }, any));
  filters.elements[name].replaceChildren(...options);
}

async function start() {
  const data = await readContent();
  const lists = index(data);
  const people = new Array(data.classes.length).fill(0);
  data.people.action.forEach((action) => { people[action]++; });
  fill("model", data.models.map((model) => model.name));
  fill("video", data.videos.map((video) => video.name), "all videos");
  fill("class", data.classes.map((name, i) => `${name} (${people[i]})`), "all actions");
  fill("as", data.classes, "any action");

  const show = () => {
    const choice = readAddress(data);
    for (const name of ["model", "video", "class", "as", "error", "order"]) filters.elements[name].value = choice[name];
    filters.elements.as.disabled = choice.error !== "miss";
    const found = choose(data, lists, choice);
    const pages = Math.max(Math.ceil(found.length / PER_PAGE), 1);
    const page = Math.min(choice.page, pages);
    byId("cards").replaceChildren(...found.slice((page - 1) * PER_PAGE, page * PER_PAGE).map((k) => card(data, lists, k, choice)));
    byId("status").textContent = `${found.length.toLocaleString("en")} of ${data.keyframes.second.length.toLocaleString("en")} keyframes`;
    byId("page").textContent = `page ${page} of ${pages}`;
    byId("back").disabled = page === 1;
    byId("next").disabled = page === pages;
    byId("back").onclick = () => writeAddress(data, { ...choice, page: page - 1 });
    byId("next").onclick = () => writeAddress(data, { ...choice, page: page + 1 });
    scrollTo(0, 0);
  };
  filters.onchange = () => {
    const choice = readAddress(data);
    for (const name of ["model", "video", "class", "as"]) choice[name] = Number(filters.elements[name].value);
    for (const name of ["error", "order"]) choice[name] = filters.elements[name].value;
    writeAddress(data, { ...choice, page: 1 });
  };
  addEventListener("hashchange", show);
  show();
}

start().catch((error) => {
  byId("status").textContent = `This browser cannot read the page (${error.message}). Use a newer one.`;
});
