// What was read of the guide, kept on this device only: the edition, the chapters, and where the reader stopped.
// It leaves the device with a letter, if its writer lets it (letter.js), and in no other way.
const KEY = "guide-read";

// A browser that keeps nothing, or kept something else, remembers nothing.
export function remembered(edition) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    if (kept?.edition === edition && Array.isArray(kept.read)) return kept;
  } catch { /* as if nothing were kept */ }
  return { edition, read: [], at: "" };
}

export function remember(kept) {
  try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* this browser keeps nothing */ }
}
