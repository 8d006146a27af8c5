// What a page does beyond what it does without: its parts are kept as they are now, and a graph is searched as one types.
"use strict";

(() => {
  const fragment = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };

  // The element that a part's text is. One of a picture is read as such.
  const element = (html, old) => {
    if (!(old instanceof SVGElement) || old instanceof SVGSVGElement) return fragment(html).firstElementChild;
    return fragment("<svg>" + html + "</svg>").firstElementChild.firstElementChild;
  };

  const FIELDS = "textarea, select, input:not([type=hidden])";
  const FOCUSABLE = "a[href], button, summary, " + FIELDS;

  // What a field has that the page did not give it.
  const typed = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.tagName === "SELECT" || field.value !== field.defaultValue;
  };

  // Finds in `part` what `before` is in `old`: by its id, else by its place among its kind.
  const twin = (part, old, before, kind) => {
    if (before.id) return part.id === before.id ? part : part.querySelector("#" + CSS.escape(before.id));
    const place = [...old.querySelectorAll(kind)].indexOf(before);
    const there = part.querySelectorAll(kind)[place];
    return there && there.textContent === before.textContent ? there : null;
  };

  const originals = new Map();

  // Puts a part in place of the one that is there, and keeps what the person has opened, typed, focused and scrolled.
  const replace = (id, html) => {
    const old = document.getElementById(id);
    if (!old) return;
    if (!originals.has(id)) originals.set(id, old.outerHTML);
    const part = element(html, old);
    if (!part) return;
    const text = part.outerHTML;
    if (originals.get(id) === text) return;
    originals.set(id, text);
    for (const inner of part.querySelectorAll("[id]")) if (originals.has(inner.id)) originals.set(inner.id, inner.outerHTML);
    for (const details of old.querySelectorAll("details")) {
      const now = twin(part, old, details, "details");
      if (now) now.open = details.open;
    }
    for (const field of old.querySelectorAll(FIELDS)) {
      const now = field.id && twin(part, old, field, FIELDS);
      if (!now || !typed(field)) continue;
      now.value = field.value;
      now.checked = field.checked;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const boxes = (of) => [of, ...of.querySelectorAll(".table, .graph, pre")];
    const scrolled = boxes(old).map((box) => [box.scrollLeft, box.scrollTop]);
    const selection = focused && focused.selectionStart !== undefined ? [focused.selectionStart, focused.selectionEnd] : null;
    const next = focused && (focused === old ? part : twin(part, old, focused, FOCUSABLE));
    old.replaceWith(part);
    boxes(part).forEach((box, place) => {
      if (scrolled[place]) [box.scrollLeft, box.scrollTop] = scrolled[place];
    });
    if (!next) return;
    next.focus({ preventScroll: true });
    try {
      if (selection) next.setSelectionRange(...selection);
    } catch {
      // Some fields have no selection.
    }
  };

  // A graph: what is searched for stands out, in the picture and in its table.
  const find = document.querySelector("[data-find]");
  const sift = () => {
    const wanted = find.value.trim().toLowerCase();
    for (const it of document.querySelectorAll("[data-name]")) {
      const other = wanted !== "" && !it.dataset.name.toLowerCase().includes(wanted);
      if (it instanceof SVGElement) it.classList.toggle("dim", other);
      else it.hidden = other;
    }
  };
  find?.addEventListener("input", sift);
  const chosen = document.querySelector(".graph .chosen");
  if (chosen) {
    const [box, at] = [chosen.closest(".graph"), chosen.getBoundingClientRect()];
    const frame = box.getBoundingClientRect();
    box.scrollLeft += at.left + at.width / 2 - frame.left - frame.width / 2;
    box.scrollTop += at.top + at.height / 2 - frame.top - frame.height / 2;
  }

  // The logs of a run.
  const logs = new Map();
  for (const section of document.querySelectorAll(".logs")) {
    const box = section.querySelector(".log");
    logs.set(section.id, { section, box });
    box.scrollTop = box.scrollHeight;
  }

  // Adds lines; whoever is at the end stays there, whoever reads further up is left alone.
  const LINES = 5000;
  const append = ({ section, box }, html) => {
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    section.hidden = false;
    box.append(fragment(html));
    if (atEnd) {
      while (box.childElementCount > LINES) box.firstElementChild.remove();
      box.scrollTop = box.scrollHeight;
    }
  };

  const live = document.querySelector("[data-events]");
  if (!live || !window.EventSource) return;
  const lost = document.getElementById("lost");
  const said = document.getElementById("said");

  const tell = (text) => {
    lost.hidden = text === "";
    lost.textContent = text;
  };

  // What a screen reader is told of: the text that sums the page up, when it has become another.
  const sum = () => document.querySelector("[data-say]")?.textContent.trim().replace(/\s+/g, " ") ?? "";
  let summed = sum();
  const say = () => {
    const now = sum();
    if (now !== summed) said.textContent = now;
    summed = now;
  };

  let events = null;
  let over = false;
  // How far what is here goes, as the server calls it: a stream that begins anew goes on from there.
  let at = "";
  const took = (event) => {
    at = event.lastEventId || at;
    return JSON.parse(event.data);
  };

  const follow = () => {
    const address = new URL(live.dataset.events || location.href, location.href);
    if (at) address.searchParams.set("at", at);
    address.hash = "";
    events = new EventSource(address);
    events.addEventListener("open", () => tell(""));
    events.addEventListener("parts", (event) => {
      for (const { id, html } of took(event).parts) replace(id, html);
      if (find?.value) sift();
      say();
    });
    events.addEventListener("log", (event) => {
      const { phase, html } = took(event);
      const log = logs.get(phase + "-log");
      if (log) append(log, html);
    });
    events.addEventListener("end", () => {
      over = true;
      events.close();
    });
    events.addEventListener("error", () => {
      const closed = events.readyState === EventSource.CLOSED;
      tell(closed ? "This page is not live any more. Load it again." : "The connection is lost; it is tried again.");
    });
  };

  // A browser has few connections to one server: a page that nobody sees lets go of its own.
  document.addEventListener("visibilitychange", () => {
    if (over) return;
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (!events) follow();
  });
  if (!document.hidden) follow();
})();
