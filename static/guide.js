// The path beside the text: chapters above the reading line are passed, the one under it (at first the first) is here.
import { remember, remembered } from "./read.js";

const READING_LINE = 0.13;
const WORDS_PER_MINUTE = 238; // as the server reckons reading time
const SKIMMED = 0.25; // of that time a chapter must be in sight, to its end, to count as read
const chapters = [...document.querySelectorAll("[data-chapter]")];
const words = chapters.map((chapter) => Number(chapter.dataset.words));
const kept = remembered(document.querySelector("[data-edition]").dataset.edition);
const began = kept.at;

function mark() {
  const line = innerHeight * READING_LINE;
  const here = Math.max(0, chapters.filter((chapter) => chapter.getBoundingClientRect().top <= line).length - 1);
  const finished = here === chapters.length - 1 && chapters[here].getBoundingClientRect().bottom < line;
  chapters.forEach((chapter, index) => {
    const state = index < here || finished ? "passed" : index === here ? "here" : "ahead";
    for (const station of document.querySelectorAll(`[data-station="${CSS.escape(chapter.id)}"]`)) {
      station.className = state;
      if (state === "here") station.firstElementChild.setAttribute("aria-current", "location");
      else station.firstElementChild.removeAttribute("aria-current");
    }
  });
  tellWhatIsLeft(finished ? chapters.length : here);
  if (here > 0) keepPlace(finished ? "" : chapters[here].id);
}

function tellWhatIsLeft(from) {
  const left = words.slice(from).reduce((sum, one) => sum + one, 0);
  const minutes = from === 0 || left === 0 ? Math.round(left / WORDS_PER_MINUTE) : Math.max(1, Math.round(left / WORDS_PER_MINUTE));
  for (const place of document.querySelectorAll("[data-left]")) place.textContent = minutes === 1 ? "1 minute" : `${minutes} minutes`;
}

function keepPlace(at) {
  if (at === kept.at) return;
  kept.at = at;
  remember(kept);
}

const observer = new IntersectionObserver(mark, { rootMargin: "-12% 0px -87% 0px" });
chapters.forEach((chapter) => observer.observe(chapter));
addEventListener("scrollend", mark); // a jump may land where no chapter crosses the line

// A chapter is read once its end was in sight and it has been in sight for a while; a jump past it isn't reading.
const seen = new Map(chapters.map((chapter) => [chapter, { since: 0, milliseconds: 0 }]));

function look() {
  const now = performance.now();
  chapters.forEach((chapter, index) => {
    const { top, bottom } = chapter.getBoundingClientRect();
    const time = seen.get(chapter);
    if (time.since) time.milliseconds += now - time.since;
    time.since = document.visibilityState === "visible" && top < innerHeight && bottom > 0 ? now : 0;
    const enough = (words[index] / WORDS_PER_MINUTE) * 60_000 * SKIMMED;
    if (time.since && bottom <= innerHeight && time.milliseconds >= enough && !kept.read.includes(chapter.id)) {
      kept.read.push(chapter.id);
      remember(kept);
    }
  });
}
look();
setInterval(look, 1000);
document.addEventListener("visibilitychange", look);

// Who comes back is offered the place where they stopped, on one line that was there already.
const place = chapters.find((chapter) => chapter.id === began);
if (place && !location.hash) {
  const link = document.createElement("a");
  link.href = `#${place.id}`;
  link.textContent = `Go on with “${document.getElementById(`${place.id}-title`).textContent}”`;
  document.querySelector("[data-go-on]").append(link);
}

// The contents above the text close once a chapter is chosen.
for (const contents of document.querySelectorAll("details.contents")) {
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a")) contents.open = false;
  });
}
