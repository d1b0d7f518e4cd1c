// The path beside the text: chapters above the reading line are passed, the one under it (at first the first) is here.
const READING_LINE = 0.13;
const chapters = [...document.querySelectorAll("[data-chapter]")];

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
}

const observer = new IntersectionObserver(mark, { rootMargin: "-12% 0px -87% 0px" });
chapters.forEach((chapter) => observer.observe(chapter));
addEventListener("scrollend", mark); // a jump may land where no chapter crosses the line

// The contents above the text close once a chapter is chosen.
for (const contents of document.querySelectorAll("details.contents")) {
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a")) contents.open = false;
  });
}
