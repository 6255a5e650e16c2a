// Hover, tap or the keyboard: a mark's words beside it, and what belongs to the same race, driver or team lit up in
// every chart and table of the page.
(() => {
  const box = document.createElement("div");
  box.className = "tip";
  box.setAttribute("role", "status");
  box.hidden = true;
  document.body.append(box);
  const all = "[data-of], [data-driver], [data-note]";
  document.querySelectorAll("svg circle:has(> title)").forEach((disc) => { disc.dataset.note = ""; });
  const key = (mark) => mark && (mark.dataset.of ?? mark.dataset.driver);
  const marks = [...document.querySelectorAll(all)];
  const words = new Map();
  marks.forEach((mark) => {
    const title = mark.querySelector(":scope > title");
    if (!title) return;
    words.set(mark, title.textContent);
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", title.textContent);
    title.remove(); // the browser would show it a second time
  });
  let shown;
  const show = (mark, at, text) => {
    if (shown !== key(mark)) {
      shown = key(mark);
      marks.forEach((other) => other.classList.toggle("lit", Boolean(shown) && key(other) === shown));
      document.body.classList.toggle("picking", Boolean(mark?.dataset.driver));
    }
    box.hidden = !text;
    if (!text) return;
    box.textContent = text;
    const place = at.getBoundingClientRect();
    const left = Math.min(Math.max(8, place.left + place.width / 2 - box.offsetWidth / 2), document.documentElement.clientWidth - box.offsetWidth - 8);
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${place.top + scrollY - box.offsetHeight - 6}px`;
  };
  const found = (event) => {
    const mark = event.target.closest(all);
    const said = event.target.closest("[data-tip]");
    show(mark, said ?? mark, said?.dataset.tip ?? words.get(mark));
  };
  ["pointerover", "click", "focusin"].forEach((kind) => document.addEventListener(kind, found));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") show(null); });
})();
