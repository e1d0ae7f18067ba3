// What makes the desk's pages livelier; each of them works without it.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// Times in the reader's own zone, beside the course's.
function addLocalTimes(within) {
  for (const time of within.querySelectorAll("time[data-zone]")) {
    if (!zone || time.dataset.zone === zone || time.dataset.done) continue;
    time.dataset.done = "yes";
    const local = document.createElement("span");
    local.className = "local";
    const when = new Date(time.dateTime);
    const written = when.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    local.textContent = ` – ${written} where you are`;
    time.append(local);
  }
}

// A part of the page that changes by itself is fetched again until nothing more comes. Whoever
// waits long asks less often: in the night of a deadline hundreds do.
async function keepFresh(part, address, seconds, longest, isDone) {
  for (let pause = seconds; ; pause = Math.min(1.3 * pause, longest)) {
    await new Promise((wake) => setTimeout(wake, 1000 * pause));
    if (document.hidden) continue;
    try {
      const answer = await fetch(address, { headers: { "X-Part": "yes" } });
      if (!answer.ok) continue;
      const text = await answer.text();
      if (text !== part.dataset.last) {
        part.dataset.last = text;
        part.innerHTML = text;
        addLocalTimes(part);
      }
    } catch {
      continue; // the desk, or the network, comes back some day
    }
    if (isDone(part)) return;
  }
}

addLocalTimes(document);
for (const field of document.querySelectorAll("input[name=zone]")) field.value = zone || "";

const result = document.getElementById("result");
if (result && result.dataset.live) {
  keepFresh(result, result.dataset.live, 0.4, 10, (part) => !part.querySelector("[data-waits]"));
}
const figures = document.getElementById("figures");
if (figures) keepFresh(figures, figures.dataset.figures, 3, 3, () => false);

const drop = document.querySelector("form.drop");
if (drop) {
  const files = drop.querySelector("input[type=file]");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over-it");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over-it"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over-it");
    files.files = event.dataTransfer.files;
  });
  drop.addEventListener("submit", () => {
    const button = drop.querySelector("button");
    button.textContent = "Sending …";
    button.disabled = true;
  });
}
