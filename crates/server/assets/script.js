// What a page does beyond what it does without: a run is followed as it goes.
"use strict";

(() => {
  const run = document.getElementById("run");
  if (!run) return;

  const said = document.getElementById("said");
  const lost = document.getElementById("lost");
  const parts = new Map();
  for (const part of run.querySelectorAll("[data-live]")) parts.set(part.id, part.outerHTML);

  const logs = new Map();
  for (const section of run.querySelectorAll(".logs")) {
    const box = section.querySelector(".log");
    logs.set(section.id, { section, box });
    box.scrollTop = box.scrollHeight;
  }

  if (!run.dataset.events || !window.EventSource) return;

  const fragment = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };

  // Puts a part in place of the one that is there, and keeps what the person has opened, typed and focused.
  const replace = (part) => {
    const html = part.outerHTML;
    const old = document.getElementById(part.id);
    if (!old || parts.get(part.id) === html) return;
    parts.set(part.id, html);
    for (const details of part.querySelectorAll("details")) {
      const before = old.querySelector("#" + details.id);
      if (before) details.open = before.open;
    }
    for (const field of part.querySelectorAll("textarea")) {
      const before = old.querySelector("#" + field.id);
      if (before) field.value = before.value;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(part);
    if (focused && focused.id) document.getElementById(focused.id)?.focus();
  };

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

  const tell = (text) => {
    lost.hidden = text === "";
    lost.textContent = text;
  };

  const events = new EventSource(run.dataset.events);
  events.addEventListener("open", () => tell(""));
  events.addEventListener("run", (event) => {
    const { html, status } = JSON.parse(event.data);
    for (const part of [...fragment(html).children]) replace(part);
    if (run.dataset.status && run.dataset.status !== status) said.textContent = status;
    run.dataset.status = status;
  });
  events.addEventListener("log", (event) => {
    const { phase, html } = JSON.parse(event.data);
    const log = logs.get(phase + "-log");
    if (log) append(log, html);
  });
  events.addEventListener("end", () => events.close());
  events.addEventListener("error", () => {
    const over = events.readyState === EventSource.CLOSED;
    tell(over ? "This page is not live any more. Load it again." : "The connection is lost; it is tried again.");
  });
})();
