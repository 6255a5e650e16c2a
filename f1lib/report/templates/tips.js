// Hover, tap or the keyboard: a mark's words beside it, and what belongs to the same race lit up, in chart and table.
(() => {
  const box = document.createElement("div");
  box.className = "tip";
  box.setAttribute("role", "status");
  box.hidden = true;
  document.body.append(box);
  const marks = [...document.querySelectorAll("[data-of]")];
  const words = new Map();
  marks.forEach((mark) => {
    const title = mark.querySelector("title");
    if (!title) return;
    words.set(mark, title.textContent);
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", title.textContent);
    title.remove(); // the browser would show it a second time
  });
  const show = (mark) => {
    marks.forEach((other) => other.classList.toggle("lit", Boolean(mark) && other.dataset.of === mark.dataset.of));
    box.hidden = !words.has(mark);
    if (box.hidden) return;
    box.textContent = words.get(mark);
    const at = mark.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - box.offsetWidth / 2), document.documentElement.clientWidth - box.offsetWidth - 8);
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${at.top + scrollY - box.offsetHeight - 6}px`;
  };
  const found = (event) => show(event.target.closest("[data-of]"));
  ["pointerover", "click", "focusin"].forEach((kind) => document.addEventListener(kind, found));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") show(null); });
})();
