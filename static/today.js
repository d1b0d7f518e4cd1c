// Today: what is new appears by itself, without moving the row that has the focus.
import "./rows.js";

const news = document.querySelector("[data-news]");
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
    if (!answer.ok && answer.status !== 304) throw new Error(`answered ${answer.status}`);
    if (news.textContent === STALE) say("");
    if (answer.status === 304) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("needs");
    etag = fresh.dataset.version;
    bring(fresh);
  } catch {
    say(STALE);
  } finally {
    asking = false;
  }
}

const STALE = "This page can’t ask what is new just now. Load it again to see.";
const STAYS = 10_000;
let leaving;

// It lies over the page and not in it: nothing moves when it comes or goes.
function say(words) {
  clearTimeout(leaving);
  if (news.textContent !== words) news.textContent = words;
  if (words !== STALE) leaving = setTimeout(() => { news.textContent = ""; }, STAYS); // that stays until it is so no more
}

function bring(fresh) {
  const shown = document.getElementById("needs");
  const kept = document.activeElement.closest?.("[data-item]");
  const top = kept?.getBoundingClientRect().top;
  const kinds = document.querySelector("[data-kinds]");
  if (!kinds.contains(document.activeElement)) kinds.replaceWith(fresh.ownerDocument.querySelector("[data-kinds]"));
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
