// Who else has this contact open, and what is new on it: asked every fifteen seconds while the page is seen.
const place = document.querySelector("[data-here]");

if (place) {
  const EVERY = 15000;
  const others = place.querySelector("[data-others]");
  const news = place.querySelector("[data-news]");
  const say = place.querySelector("[data-news-say]");
  let timer = 0;

  const show = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  async function ask() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const body = new URLSearchParams({ csrf_token: place.dataset.token });
      const answer = await fetch(place.dataset.here, { method: "POST", body, redirect: "error" });
      if (answer.ok) {
        const told = await answer.json();
        show(others, told.others.join(" "));
        show(say, told.news);
        news.hidden = !told.news;
      }
    } catch {
      // The line is down or the session over: what the page says stays, and it asks again.
    }
    timer = setTimeout(ask, EVERY);
  }

  addEventListener("visibilitychange", ask);
  ask();
}
