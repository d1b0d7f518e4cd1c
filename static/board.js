// The board: arrow keys walk from card to card, Shift moves a lead to the stage beside, and cards can be dragged.
// Every move is the form at the foot of the page, sent as a person would send it.
const board = document.querySelector(".board");
const mover = document.getElementById("mover");
const says = document.querySelector("[data-board-says]");
const columns = [...board.querySelectorAll(".column")];
const cardsOf = (column) => [...column.querySelectorAll(".card")];
const linkOf = (card) => card.querySelector(".card-name");
const seen = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;

function move(card, to) {
  const from = card.closest(".column");
  if (!mover || !to || to === from) return;
  mover.action = board.dataset.move.replace("/leads/0/", `/leads/${card.dataset.lead}/`);
  mover.elements.to.value = to.dataset.stage;
  mover.elements.from.value = from.dataset.stage;
  if (says) says.textContent = `Moving ${linkOf(card).textContent} to ${to.querySelector("h2").textContent}.`;
  mover.requestSubmit();
}

function step(card, key) {
  const column = card.closest(".column");
  const at = cardsOf(column).indexOf(card);
  if (key === "ArrowUp" || key === "ArrowDown") return cardsOf(column)[at + (key === "ArrowDown" ? 1 : -1)];
  const full = columns.filter((each) => seen(each) && cardsOf(each).length);
  const beside = full[full.indexOf(column) + (key === "ArrowRight" ? 1 : -1)];
  return beside && cardsOf(beside)[Math.min(at, cardsOf(beside).length - 1)];
}

board.addEventListener("keydown", (event) => {
  const card = event.target.closest(".card");
  if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
  const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
  if (event.shiftKey && sideways && mover) {
    if (!event.repeat) move(card, columns[columns.indexOf(card.closest(".column")) + (event.key === "ArrowRight" ? 1 : -1)]);
  } else if (!event.shiftKey && event.key.startsWith("Arrow")) {
    const next = step(card, event.key);
    if (next) linkOf(next).focus();
  } else if (event.key === "m") {
    card.querySelector(".card-move")?.click();
  } else return;
  event.preventDefault();
});

let dragged = null;

board.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".card") ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", linkOf(dragged).textContent);
  dragged.classList.add("dragged");
});

for (const column of columns) {
  column.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    column.classList.toggle("under", column !== dragged.closest(".column"));
  });
  column.addEventListener("dragleave", (event) => {
    if (!column.contains(event.relatedTarget)) column.classList.remove("under");
  });
  column.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    column.classList.remove("under");
    move(dragged, column);
  });
}

board.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  dragged = null;
});

// After a move the page is new: the card that was moved has the focus again, once the browser has scrolled to it.
const moved = location.hash.startsWith("#lead-") && document.getElementById(location.hash.slice(1));
if (moved && seen(moved)) {
  const focus = () => requestAnimationFrame(() => linkOf(moved).focus());
  if (document.readyState === "complete") focus();
  else addEventListener("load", focus);
}
