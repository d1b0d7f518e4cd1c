// The list of contacts: x ticks the row that has the focus, and one box ticks the whole page.
const boxes = () => [...document.querySelectorAll('[data-row] input[name="contact"]')];
const all = document.querySelector("[data-ticks-all]");

if (all) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
  });
}

addEventListener("keydown", (event) => {
  if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = document.activeElement?.closest("[data-row]");
  const box = row?.querySelector('input[name="contact"]');
  if (!box || document.activeElement.matches("input")) return;
  box.checked = !box.checked;
  event.preventDefault();
});
