// Lists of things to do: keys act on the row that has the focus, else on the first, and the focus keeps its place.
const rows = () => [...document.querySelectorAll("main [data-row]")];
const links = () => rows().map((row) => row.querySelector("a"));

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const open = event.target.closest("details[open].snooze");
  if (open && event.key === "Escape") {
    open.open = false;
    open.closest("[data-row]").querySelector("a").focus();
    return;
  }
  if (event.repeat || event.target.closest("input, textarea, select") || document.querySelector("dialog[open]")) return;
  const row = event.target.closest("[data-row]") ?? rows()[0];
  const control = row?.querySelector(`[data-row-key="${CSS.escape(event.key)}"]`);
  if (!control) return;
  event.preventDefault();
  control.click();
  if (control.matches("summary")) control.parentElement.querySelector("form button")?.focus();
});

// After something was done or undone the page is a new one: the row that stands there now has the focus.
const PLACE = `place:${location.pathname}`;
const place = sessionStorage.getItem(PLACE);
addEventListener("submit", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) sessionStorage.setItem(PLACE, rows().indexOf(row));
  else if (place !== null && event.target.closest(".undo")) sessionStorage.setItem(PLACE, place);
});
if (place !== null) {
  sessionStorage.removeItem(PLACE);
  links()[Math.min(Number(place), links().length - 1)]?.focus();
}
