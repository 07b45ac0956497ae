"use strict";
// What every page has: boxes that filter tables, and keys. j and k go through what can be folded and what has data-stop,
// and so do the arrows once one of these has the focus; / goes to the search, Escape empties and leaves it. Enter and
// Space fold, as the browser has it.
(() => {
  const shown = (element) => element.getClientRects().length > 0;
  const stops = () => [...document.querySelectorAll("main summary, main [data-stop]")].filter(shown);

  function step(by) {
    const all = stops();
    const here = all.indexOf(document.activeElement);
    const next = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by))];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  }

  function filter(box) {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...document.querySelectorAll(`#${CSS.escape(box.dataset.filter)} tbody tr`)];
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      left += row.hidden ? 0 : 1;
    }
    const count = document.querySelector(`[data-filter-count="${CSS.escape(box.dataset.filter)}"]`);
    if (count) count.textContent = words.length ? `${left} of ${rows.length}` : "";
  }

  for (const box of document.querySelectorAll("[data-filter]")) box.addEventListener("input", () => filter(box));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = stops().includes(document.activeElement);
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) {
      event.target.value = "";
      event.target.dispatchEvent(new Event("input", { bubbles: true }));
      event.target.blur();
    } else if (!typing && event.key === "/") {
      const box = document.querySelector("input[type=search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    } else if (!typing && (event.key === "j" || (inside && event.key === "ArrowDown"))) {
      event.preventDefault();
      step(1);
    } else if (!typing && (event.key === "k" || (inside && event.key === "ArrowUp"))) {
      event.preventDefault();
      step(-1);
    }
  });
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("main details:not([data-lazy])")) fold.open = true;
  });
})();
