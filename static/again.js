// A page about work that goes on: look again in two seconds, but not while somebody reads another page.
setTimeout(() => {
  if (document.visibilityState === "visible") location.reload();
  else addEventListener("visibilitychange", () => location.reload(), { once: true });
}, 2000);
