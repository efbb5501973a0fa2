"use strict";
const failures = [];
window.addEventListener("error", (event) => failures.push(event.message));
const data = JSON.parse(document.getElementById("data").textContent);
const tip = document.getElementById("tip");
const SVG = "http://www.w3.org/2000/svg";

function tell(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 4)) + "px";
  tip.style.top = Math.max(4, Math.min(y + 14, innerHeight - box.height - 4)) + "px";
}

// Dark and light: the system's choice until another is made here.
const look = document.getElementById("look");
look.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.look ? root.dataset.look === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.look = dark ? "light" : "dark";
  look.setAttribute("aria-pressed", String(!dark));
});

// Every picture: zoom, move, values.
function prepare(figure, marks) {
  const svg = figure.querySelector("svg");
  const whole = (svg.getAttribute("viewBox") || `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`)
    .split(" ").map(Number);
  let view = whole.slice();
  const show = () => svg.setAttribute("viewBox", view.join(" "));
  show();
  const zoom = (factor, at) => {
    const size = [view[2] * factor, view[3] * factor];
    if (size[0] > whole[2] * 1.01) { view = whole.slice(); show(); return; }
    if (size[0] < whole[2] / 60) return;
    const middle = at || [view[0] + view[2] / 2, view[1] + view[3] / 2];
    view = [middle[0] - (middle[0] - view[0]) * factor, middle[1] - (middle[1] - view[1]) * factor, ...size];
    show();
  };
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return [view[0] + (event.clientX - box.left) / box.width * view[2], view[1] + (event.clientY - box.top) / box.height * view[3]];
  };
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [label, name, act] of [["+", "Zoom in", () => zoom(0.7)], ["−", "Zoom out", () => zoom(1.43)],
    ["0", "Whole picture", () => { view = whole.slice(); show(); }]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", act);
    tools.append(button);
  }
  figure.append(tools);
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== figure) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.85 : 1.18, place(event));
  }, { passive: false });
  let from = null;
  svg.addEventListener("pointerdown", (event) => { from = place(event); });
  addEventListener("pointerup", () => { from = null; });

  const ring = document.createElementNS(SVG, "circle");
  ring.setAttribute("class", "ring");
  ring.setAttribute("r", "6");
  let now = -1;
  const point = (index) => {
    now = index;
    ring.setAttribute("cx", marks[index][0]);
    ring.setAttribute("cy", marks[index][1]);
    svg.append(ring);
    const box = svg.getBoundingClientRect();
    tell(marks[index][2], box.left + (marks[index][0] - view[0]) / view[2] * box.width,
      box.top + (marks[index][1] - view[1]) / view[3] * box.height);
  };
  const leave = () => { tip.hidden = true; ring.remove(); };
  svg.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (from && event.buttons & 1 && view[2] < whole[2]) {
      view[0] += from[0] - at[0];
      view[1] += from[1] - at[1];
      show();
      return;
    }
    const said = event.target.querySelector && event.target !== svg && event.target.querySelector(":scope > title");
    if (said) { tell(said.textContent, event.clientX, event.clientY); return; }
    let best = -1;
    let least = 30 * view[2] / svg.getBoundingClientRect().width;
    marks.forEach((mark, index) => {
      const far = Math.hypot(mark[0] - at[0], mark[1] - at[1]);
      if (far < least) { least = far; best = index; }
    });
    if (best < 0) leave(); else point(best);
  });
  svg.addEventListener("pointerleave", leave);
  figure.addEventListener("blur", leave);
  figure.addEventListener("keydown", (event) => {
    if (event.target !== figure) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && marks.length) point((now + step + marks.length) % marks.length);
    else if (event.key === "+" || event.key === "=") zoom(0.7);
    else if (event.key === "-") zoom(1.43);
    else if (event.key === "0") { view = whole.slice(); show(); }
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  });
}

function span(ns) {
  const seconds = ns / 1e9;
  if (seconds < 120) return +seconds.toPrecision(6) + " s";
  const text = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${text(seconds / 60 % 60)}:${text(seconds % 60)} h`;
}

// The map: stores, load and faults at the slider's time; the route of a demand.
function prepareMap(section, map) {
  const figure = section.querySelector("figure.picture");
  const lines = [...figure.querySelectorAll("[data-link]")];
  const base = map.nodes.length > 48 ? 1.2 : 2.2;
  const slider = section.querySelector("input.time");
  const route = section.querySelector(".route");
  let chosen = -1;
  const time = () => (slider ? map.times[slider.value] : map.end);
  const down = (fault) => fault[1] <= time() && (fault[2] === null || time() < fault[2]);
  const faults = section.querySelector(".faults");
  if (faults) {
    map.faults.forEach((fault) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${fault[0]}: ${span(fault[1])} to ${fault[2] === null ? "the end" : span(fault[2])}`;
      button.addEventListener("click", () => {
        const next = map.times.findIndex((at) => at >= fault[1]);
        slider.value = next < 0 ? map.times.length - 1 : next;
        update();
      });
      item.append(button);
      faults.append(item);
    });
  }
  function update() {
    const at = slider ? Number(slider.value) : -1;
    const broken = new Set();
    map.faults.forEach((fault, index) => {
      if (down(fault)) fault[3].forEach((link) => broken.add(link));
      if (faults) faults.children[index].classList.toggle("on", down(fault));
    });
    const hops = chosen < 0 ? [] : map.demands[chosen][1];
    const used = new Map(hops.filter((hop) => hop[2] !== null).map((hop) => [hop[2], hop]));
    figure.classList.toggle("routed", chosen >= 0);
    for (const line of lines) {
      const link = Number(line.dataset.link);
      const level = map.levels[link] && map.levels[link][at];
      const load = map.loads[link] && map.loads[link][at];
      if (level !== undefined && level !== null) {
        let colour = data.levels[0][1];
        for (const [from, of] of data.levels) if (level >= from) colour = of;
        line.setAttribute("stroke", colour);
      }
      const hop = used.get(link);
      const wide = chosen >= 0 && hop ? 2.4 * base : base + (load || 0) / 100 * 2.6 * base;
      line.setAttribute("stroke-width", wide.toFixed(2));
      line.classList.toggle("down", broken.has(link));
      line.classList.toggle("used", Boolean(hop));
      line.classList.toggle("idle", Boolean(hop) && (time() < hop[3] || time() > hop[4] + map.end / 30));
      const says = [map.links[link]];
      if (level !== undefined && level !== null) says.push(`emptier store ${level} % full, load ${load} % of the busiest`);
      if (broken.has(link)) says.push("cut by a fault");
      if (hop) says.push(`${hop[5]} requests of ${map.demands[chosen][0]}`);
      line.firstElementChild.textContent = says.join("\n");
    }
    if (slider) {
      const text = span(time());
      section.querySelector(".now").textContent = text;
      slider.setAttribute("aria-valuetext", text);
      figure.querySelector("svg > text").textContent = `Stores and load after ${text}`;
    }
  }
  section.querySelectorAll(".demand").forEach((button) => button.addEventListener("click", () => {
    const index = Number(button.dataset.demand);
    chosen = chosen === index ? -1 : index;
    section.querySelectorAll(".demand").forEach((other) =>
      other.setAttribute("aria-pressed", String(Number(other.dataset.demand) === chosen)));
    const hops = chosen < 0 ? [] : map.demands[chosen][1];
    if (chosen < 0) route.textContent = "";
    else if (!hops.length) route.textContent = `${map.demands[chosen][0]}: no key was sent in the first replication, or its route was not kept (--samples 0).`;
    else route.textContent = `${map.demands[chosen][0]}: ` + hops.map((hop) =>
      `${map.nodes[hop[0]]} → ${map.nodes[hop[1]]} (${hop[5]} requests, ${span(hop[3])} to ${span(hop[4])})`).join("; ");
    update();
  }));
  if (slider) {
    slider.addEventListener("input", update);
    const play = section.querySelector(".play");
    let timer = 0;
    play.addEventListener("click", () => {
      if (timer) { clearInterval(timer); timer = 0; } else {
        if (Number(slider.value) === map.times.length - 1) slider.value = 0;
        timer = setInterval(() => {
          if (Number(slider.value) >= map.times.length - 1) { play.click(); return; }
          slider.value = Number(slider.value) + 1;
          update();
        }, 150);
      }
      play.textContent = timer ? "Stop" : "Play";
      play.setAttribute("aria-pressed", String(Boolean(timer)));
    });
  }
  update();
}

data.parts.forEach((part, index) => {
  const section = document.getElementById("part-" + index);
  for (const [id, marks] of Object.entries(part.marks)) prepare(document.getElementById(id), marks);
  if (part.map) prepareMap(section, part.map);
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));

// With #selftest the page tries itself: tests read what it finds from the document.
addEventListener("load", () => {
  document.body.getBoundingClientRect();
  document.documentElement.dataset.openedMs = performance.now().toFixed(0);
  if (location.hash !== "#selftest") return;
  const expect = (held, what) => { if (!held) failures.push(what); };
  document.querySelectorAll("figure.picture").forEach((figure) => {
    const box = figure.querySelector("svg").getBoundingClientRect();
    expect(box.width > 200 && box.height > 80, "a picture without size: " + figure.id);
    const view = () => figure.querySelector("svg").getAttribute("viewBox");
    const before = view();
    figure.dispatchEvent(new KeyboardEvent("keydown", { key: "+" }));
    expect(view() !== before, "no zoom: " + figure.id);
    figure.dispatchEvent(new KeyboardEvent("keydown", { key: "0" }));
    expect(view() === before, "no way back: " + figure.id);
    if (data.parts[Number(figure.closest("section").dataset.part)].marks[figure.id].length) {
      figure.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
      expect(!tip.hidden && tip.textContent.length > 0, "no value: " + figure.id);
      figure.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    }
  });
  document.querySelectorAll("input.time").forEach((slider) => {
    const section = slider.closest("section");
    const state = () => [...section.querySelectorAll("[data-link]")]
      .map((line) => line.getAttribute("stroke") + line.getAttribute("stroke-width") + line.getAttribute("class")).join();
    const now = () => section.querySelector(".now").textContent;
    const states = new Set();
    const times = new Set();
    for (let at = 0; at <= Number(slider.max); at += 1) {
      slider.value = at;
      slider.dispatchEvent(new Event("input"));
      states.add(state());
      times.add(now());
    }
    expect(times.size === Number(slider.max) + 1, "the slider's time does not move");
    expect(states.size > 1, "the slider changes nothing");
    expect(slider.getAttribute("aria-valuetext") === now(), "the slider does not say its time");
    section.querySelectorAll(".faults button").forEach((button) => {
      button.click();
      expect(button.parentElement.classList.contains("on"), "a fault that does not begin");
    });
    document.documentElement.dataset.states = states.size;
  });
  document.querySelectorAll("section").forEach((section) => {
    const button = section.querySelector(".demand");
    if (!button) return;
    button.click();
    expect(button.getAttribute("aria-pressed") === "true" && section.querySelector(".route").textContent.length > 0, "no route is told");
    const route = section.querySelectorAll("[data-link].used").length;
    document.documentElement.dataset.route = route;
    button.click();
    expect(section.querySelectorAll("[data-link].used").length === 0, "the route does not go");
  });
  look.click();
  expect(["dark", "light"].includes(document.documentElement.dataset.look), "no other look");
  look.click();
  document.documentElement.dataset.selftest = failures.length ? failures.join("; ") : "passed";
});
