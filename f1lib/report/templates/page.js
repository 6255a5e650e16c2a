"use strict";
// Tables that sort and filter, and the light/dark switch. Without JavaScript the page is complete, only still.
(() => {
  const root = document.documentElement;

  const themeButton = document.querySelector("[data-theme-switch]");
  if (themeButton) {
    const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window: not remembered */ } };
    const label = () => { themeButton.textContent = dark() ? "Light theme" : "Dark theme"; };
    themeButton.hidden = false;
    themeButton.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; keep(root.dataset.theme); label(); });
    label();
  }

  // A cell's value: `data-value` where the text is formatted, else its text; numbers compare as numbers.
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.dataset.value ?? cell.textContent).trim();
    const number = text === "" ? NaN : Number(text);
    return { text, number, missing: text === "" || text === "-" || text === "NaN" || text === "<NA>" };
  };
  const compare = (a, b, sign) => {
    if (a.missing || b.missing) return a.missing - b.missing;
    if (!Number.isNaN(a.number) && !Number.isNaN(b.number)) return sign * (a.number - b.number);
    return sign * a.text.localeCompare(b.text, undefined, { numeric: true });
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    const heads = [...(table.tHead?.rows[table.tHead.rows.length - 1]?.cells ?? [])];
    if (!body || body.rows.length < 2) return;
    heads.forEach((head, column) => {
      if (!head.textContent.trim() || head.colSpan > 1) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const first = head.dataset.first || "ascending";
        const now = head.getAttribute("aria-sort");
        const next = now === null ? first : now === "ascending" ? "descending" : "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const rows = [...body.rows].map((row, place) => ({ row, place, value: valueOf(row, column) }));
        rows.sort((a, b) => compare(a.value, b.value, sign) || a.place - b.place);
        body.append(...rows.map((entry) => entry.row));
      });
    });
  };

  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const filterable = (box) => {
    const table = document.getElementById(box.dataset.filter);
    const status = box.querySelector("[role=status]");
    const inputs = [...box.querySelectorAll("input, select")];
    const apply = () => {
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        const fits = inputs.every((input) => {
          const wanted = plain(input.value.trim());
          const text = input.dataset.column === undefined ? row.textContent : valueOf(row, Number(input.dataset.column)).text;
          return !wanted || (input.tagName === "SELECT" ? plain(text) === wanted : plain(text).includes(wanted));
        });
        row.hidden = !fits;
        shown += fits;
      }
      status.textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
    };
    inputs.forEach((input) => input.addEventListener("input", apply));
    box.hidden = false;
    apply();
  };

  // pandas writes every cell alike; text reads better from the left.
  const alignText = (table) => {
    const rows = [...(table.tBodies[0]?.rows ?? [])];
    [...(rows[0]?.cells ?? [])].forEach((_, column) => {
      const values = rows.map((row) => valueOf(row, column));
      if (values.some((value) => !value.missing && Number.isNaN(value.number))) {
        [...table.rows].forEach((row) => row.cells[column]?.classList.add("text"));
      }
    });
  };

  // Moments in the reader's own time zone, and how long until a session starts.
  const local = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
  document.querySelectorAll("time[data-local]").forEach((time) => {
    time.title = time.textContent;
    time.textContent = `${local.format(new Date(time.dateTime)).replace(" at ", ", ")} (your time)`;
  });
  const countdowns = [...document.querySelectorAll("[data-countdown]")];
  const count = () => countdowns.forEach((place) => {
    const minutes = Math.floor((new Date(place.dataset.countdown) - Date.now()) / 60000);
    const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
    place.textContent = minutes < 0 ? "" : `in ${days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`}`;
  });
  if (countdowns.length) { count(); setInterval(count, 30000); }

  document.querySelectorAll("table.dataframe").forEach(alignText);
  document.querySelectorAll("table[data-sortable], table.dataframe").forEach(sortable);
  document.querySelectorAll("[data-filter]").forEach(filterable);
  // Wide content scrolls inside its own box; the keyboard must be able to reach it.
  document.querySelectorAll(".table, .picture, pre").forEach((box) => {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
  });
})();
