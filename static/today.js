// Today: keys act on the row that has the focus, and what is new appears by itself without moving it.
const news = document.querySelector("[data-news]");
const rows = () => [...document.querySelectorAll("#needs [data-row]")];
const links = () => rows().map((row) => row.querySelector("a"));

// ---- Keys, on the row that has the focus, else on the first ----

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

// After something was done the page is a new one: the row that stands there now has the focus.
const PLACE = "today-place";
addEventListener("submit", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) sessionStorage.setItem(PLACE, rows().indexOf(row));
});
const place = sessionStorage.getItem(PLACE);
if (place !== null) {
  sessionStorage.removeItem(PLACE);
  links()[Math.min(Number(place), links().length - 1)]?.focus();
}

// ---- What is new ----

let etag = document.getElementById("needs").dataset.version;
let asking = false;
const title = document.title.replace(/^\(.*?\) /, "");

async function look() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const headers = { "If-None-Match": `"${etag}"` };
    const answer = await fetch(news.dataset.list, { headers, cache: "no-store", redirect: "error" });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("needs");
    etag = fresh.dataset.version;
    bring(fresh);
  } catch {
    say("This page can’t ask what is new just now. Load it again to see.");
  } finally {
    asking = false;
  }
}

const STAYS = 10_000;
let leaving;

// It lies over the page and not in it: nothing moves when it comes or goes.
function say(words) {
  clearTimeout(leaving);
  if (news.textContent !== words) news.textContent = words;
  leaving = setTimeout(() => { news.textContent = ""; }, STAYS);
}

function bring(fresh) {
  const shown = document.getElementById("needs");
  const kept = document.activeElement.closest?.("[data-item]");
  const top = kept?.getBoundingClientRect().top;
  const known = new Map([...shown.querySelectorAll("[data-item]")].map((row) => [row.dataset.item, row]));
  const wanted = [...fresh.querySelectorAll("[data-item]")];
  const arrived = wanted.filter((row) => row.matches("[data-row]") && !known.has(row.dataset.item));
  const list = shown.querySelector("ol");
  if (!list || !wanted.length) {
    if (!shown.contains(document.activeElement)) shown.replaceWith(fresh);
  } else {
    merge(list, known, wanted);
    shown.dataset.total = fresh.dataset.total;
  }
  if (kept?.isConnected) scrollBy(0, kept.getBoundingClientRect().top - top);
  const total = fresh.dataset.total;
  document.title = total ? `(${total}) ${title}` : title;
  if (arrived.length) say(`${arrived.length} new: ${arrived.map((row) => row.querySelector("a").textContent).join(", ")}`);
}

// A row stays the same element as long as nothing but its clock changes, so that the focus stays on it.
function merge(list, known, wanted) {
  let before = null;
  for (const row of wanted) {
    const old = known.get(row.dataset.item);
    known.delete(row.dataset.item);
    if (!old) {
      row.classList.add("arrived");
      before ? before.after(row) : list.prepend(row);
      before = row;
    } else if (old.textContent === row.textContent && old.className === row.className) {
      before = old;
    } else if (old.contains(document.activeElement) || old.querySelector("details[open]")) {
      old.querySelector("time").replaceWith(row.querySelector("time"));
      old.className = row.className;
      before = old;
    } else {
      old.replaceWith(row);
      before = row;
    }
  }
  for (const gone of known.values()) {
    if (!gone.contains(document.activeElement)) gone.remove();
    else {
      gone.classList.add("gone");
      gone.querySelector(".need-doings")?.remove();
      gone.querySelector(".need-due").textContent = "needs nobody any more";
    }
  }
}

if (news) {
  setInterval(look, Number(news.dataset.every) * 1000);
  document.addEventListener("visibilitychange", look);
}
