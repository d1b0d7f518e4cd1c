// What was set apart: e releases the row that has the focus, s marks it as spam, x ticks it; then the next one has it.
const rows = () => [...document.querySelectorAll(".judged [data-row]")];
const all = document.querySelector("[data-ticks-all]");

all.closest("label").hidden = false;
all.addEventListener("change", () => {
  for (const box of document.querySelectorAll(".judged [name=inquiry]")) box.checked = all.checked;
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
  const row = event.target.closest?.("[data-row]");
  if (!row) return;
  const control = event.key === "x" ? row.querySelector("[name=inquiry]") : row.querySelector(`[data-row-key="${CSS.escape(event.key)}"]`);
  if (!control) return;
  event.preventDefault();
  control.click();
});

// After a decision the page is a new one: the row that stands there now has the focus.
const PLACE = "judged-place";
document.querySelector(".judged").addEventListener("submit", (event) => {
  const row = event.submitter?.closest("[data-row]");
  if (row) sessionStorage.setItem(PLACE, rows().indexOf(row));
});
const place = sessionStorage.getItem(PLACE);
if (place !== null) {
  sessionStorage.removeItem(PLACE);
  rows()[Math.min(Number(place), rows().length - 1)]?.querySelector("a").focus();
}
