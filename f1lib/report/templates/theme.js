"use strict";
// The theme that the reader chose last, before anything is drawn. Without storage the system's theme holds.
try {
  const kept = localStorage.getItem("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
} catch { /* storage is closed to this page */ }
