"use strict";
// The list of all paths: folded by origin, made when a fold is opened, searched as one types. The data stand in the
// element with id "data"; diff/rows.py has what a row is. Text goes in as text, never as HTML.
(() => {
  const CHUNK = 400; // rows that are made at once
  const OPEN_BELOW = 300; // a search that finds no more than this opens what it finds
  const FIELDS = ["type", "bytes", "mode", "owner", "time", "SHA-256", "link to", "first name", "origin"];
  const TONES = { added: "good", removed: "bad", changed: "warn", moved: "other", metadata: "info", time: "" };
  const WORDS = { time: "time only" };
  const trees = JSON.parse(document.getElementById("data").textContent);
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const buttons = [...document.querySelectorAll("[data-kind]")];
  const count = (number) => number.toLocaleString("en");
  const kindOf = (row) => (row[3] ? "time" : row[1]);

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function tag(kind, number) {
    const word = WORDS[kind] || kind;
    return element("span", `tag ${TONES[kind]}`, number === undefined ? word : `${word} ${count(number)}`);
  }

  function marked(text, words) {
    const made = element("span", "path");
    const lower = text.toLowerCase();
    let at = 0;
    while (at < text.length) {
      let next = -1, length = 0;
      for (const word of words) {
        const place = lower.indexOf(word, at);
        if (place >= 0 && (next < 0 || place < next)) { next = place; length = word.length; }
      }
      if (next < 0) break;
      made.append(text.slice(at, next), element("mark", "", text.slice(next, next + length)));
      at = next + length;
    }
    made.append(text.slice(at));
    return made;
  }

  function sides(row) {
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const name of ["", "before", "after"]) {
      const cell = element("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    table.prepend(element("caption", "hidden", `${row[0]} before and after`));
    const body = table.createTBody();
    FIELDS.forEach((name, at) => {
      const [old, fresh] = [row[4] ? row[4][at] : "", row[5] ? row[5][at] : ""];
      if (!old && !fresh) return;
      const line = body.insertRow();
      if (row[4] && row[5] && old !== fresh) line.className = "differs";
      const cell = element("th", "", name);
      cell.scope = "row";
      line.append(cell);
      for (const value of [old, fresh]) line.insertCell().textContent = value || "\u2013";
    });
    return table;
  }

  function rowFold(row, words) {
    const fold = element("details", "row");
    fold.dataset.lazy = "";
    const summary = element("summary");
    summary.append(tag(kindOf(row)), marked(row[0], words), element("span", "words", row[2]));
    fold.append(summary);
    fold.addEventListener("toggle", () => { if (fold.open && !fold.querySelector("table")) fold.append(sides(row)); });
    return fold;
  }

  // A group: its fold, and what of it is shown at the moment.
  function groupFold(group) {
    const fold = element("details", "group");
    fold.dataset.lazy = "";
    if (group.id) fold.id = group.id;
    const summary = element("summary");
    const tags = element("span", "tags");
    summary.append(element("span", `swatch hue${group.hue}`), element("span", "name", group.name));
    if (group.origins) summary.append(element("span", "origins", group.origins));
    summary.append(tags);
    const box = element("div", "rows");
    fold.append(summary, box);
    const texts = group.rows.map((row) => `${row[0]}\n${row[2]}`.toLowerCase());
    let rows = [], words = [], made = 0;

    function more() {
      box.querySelector(".rest")?.remove();
      box.append(...rows.slice(made, made + CHUNK).map((row) => rowFold(row, words)));
      made = Math.min(rows.length, made + CHUNK);
      if (made < rows.length) {
        const rest = element("button", "rest", `show ${count(Math.min(CHUNK, rows.length - made))} more of ${count(rows.length - made)}`);
        rest.type = "button";
        rest.dataset.stop = "";
        rest.addEventListener("click", () => {
          const last = rest.previousElementSibling;
          more();
          last.nextElementSibling?.querySelector("summary")?.focus();
        });
        box.append(rest);
      }
    }

    fold.addEventListener("toggle", () => { if (fold.open && !made) more(); });
    return {
      fold,
      show(wanted, kinds) {
        words = wanted;
        rows = group.rows.filter((row, at) => kinds.has(kindOf(row)) && words.every((word) => texts[at].includes(word)));
        fold.hidden = !rows.length;
        const counts = {};
        for (const row of rows) counts[kindOf(row)] = (counts[kindOf(row)] || 0) + 1;
        tags.replaceChildren(...Object.keys(TONES).filter((kind) => counts[kind]).flatMap((kind) => [tag(kind, counts[kind]), " "]));
        box.replaceChildren();
        made = 0;
        if (fold.open && rows.length) more();
        return rows.length;
      },
    };
  }

  const place = document.getElementById("trees");
  const groups = [];
  const headings = [];
  for (const tree of trees) {
    const heading = element("h3", "", tree.name);
    heading.hidden = trees.length < 2;
    place.append(heading);
    const own = tree.groups.map(groupFold);
    headings.push([heading, own]);
    groups.push(...own);
    place.append(...own.map((group) => group.fold));
  }
  const all = trees.reduce((sum, tree) => sum + tree.groups.reduce((part, group) => part + group.rows.length, 0), 0);
  let opened = false; // by a search, and to be closed when it ends

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = new Set(buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.kind));
    let left = 0;
    for (const group of groups) left += group.show(words, kinds);
    for (const [heading, own] of headings) heading.hidden = trees.length < 2 || own.every((group) => group.fold.hidden);
    const open = words.length > 0 && left <= OPEN_BELOW;
    if (open || opened) for (const group of groups) group.fold.open = open && !group.fold.hidden;
    opened = open;
    found.textContent = left === all ? `${count(all)} paths` : `${count(left)} of ${count(all)} paths`;
  }

  function allKinds() {
    for (const button of buttons) if (!button.disabled) button.setAttribute("aria-pressed", "true");
  }

  // The path of an item, searched for.
  function find(event) {
    event.preventDefault();
    search.value = event.currentTarget.dataset.find;
    allKinds();
    show();
    search.scrollIntoView({ block: "start" });
    search.focus();
  }

  function reveal() {
    const fold = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!fold || !fold.classList.contains("group")) return;
    if (fold.hidden) { // the search or the kinds hide it
      search.value = "";
      allKinds();
      show();
    }
    fold.open = true;
    fold.firstElementChild.focus();
    fold.firstElementChild.scrollIntoView({ block: "start" });
  }

  search.addEventListener("input", show);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      show();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    if (event.key === "o" || event.key === "c") {
      for (const group of groups) if (!group.fold.hidden) group.fold.open = event.key === "o";
    }
  });
  for (const link of document.querySelectorAll("[data-find]")) link.addEventListener("click", find);
  addEventListener("hashchange", reveal);
  show();
  reveal();
})();
