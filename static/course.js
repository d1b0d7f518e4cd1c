// Beside each date of a course stands what the reader's own clock shows then, where it shows something else.
const day = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

function shown(moment, zone) {
  return new Intl.DateTimeFormat("en-GB", { ...day, ...clock, timeZone: zone }).format(moment);
}

function inWords(moment) {
  return `${new Intl.DateTimeFormat("en-GB", day).format(moment)}, ${timeOf(moment)}`;
}

function timeOf(moment) {
  return new Intl.DateTimeFormat("en-GB", clock).format(moment);
}

for (const time of document.querySelectorAll("time[data-zone]")) {
  const begins = new Date(time.dateTime);
  const ends = time.dataset.ends ? new Date(time.dataset.ends) : null;
  if (shown(begins) === shown(begins, time.dataset.zone)) continue;
  const own = document.createElement("p");
  own.className = "own-clock";
  own.textContent = `By your clock: ${inWords(begins)}`;
  if (ends) own.textContent += begins.toDateString() === ends.toDateString() ? ` to ${timeOf(ends)}` : `, to ${inWords(ends)}`;
  time.closest("h3").after(own);
}
