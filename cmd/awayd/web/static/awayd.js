// All of this is comfort: without it the page is loaded again by hand.
"use strict";

// A button that was pressed says that it works on it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.busy) return event.preventDefault();
  form.dataset.busy = "yes";
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  button.textContent = "Working…";
});

// Back in history, nothing works any more.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// every calls f again and again while the page is looked at, until f says no.
function every(seconds, f) {
  const turn = async () => {
    if (document.hidden || await f()) setTimeout(turn, seconds * 1000);
  };
  setTimeout(turn, seconds * 1000);
}

// parsed reads a page or a part of one; null if it cannot be had.
async function parsed(url) {
  const answer = await fetch(url, { cache: "no-store", credentials: "same-origin" });
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// teller says things in a place that screen readers listen to, each once.
function teller(place) {
  return (text) => {
    if (place.textContent !== text) place.textContent = text;
  };
}

const log = document.querySelector("ol[data-tail]");
if (log) {
  const say = teller(document.getElementById("follow"));
  const most = 1000;
  say("Newest first. New entries come by themselves.");
  every(2, async () => {
    const newest = Math.max(0, ...Array.from(log.children, (li) => Number(li.dataset.id)));
    const url = new URL(log.dataset.tail, location.href);
    url.searchParams.set("after", newest);
    try {
      const found = await parsed(url);
      if (!found) {
        say("No new entries come any more: load the page again.");
        return false;
      }
      const fresh = Array.from(found.querySelectorAll("li"));
      fresh.forEach((li) => li.classList.add("new"));
      log.prepend(...fresh);
      if (fresh.length) document.getElementById("empty")?.remove();
      while (log.children.length > most) log.lastElementChild.remove();
      say("Newest first. New entries come by themselves.");
    } catch {
      say("The daemon does not answer. Trying again…");
    }
    return true;
  });
}

const overview = document.querySelector("[data-refresh]");
if (overview) {
  const news = document.createElement("p");
  news.className = "rel";
  news.setAttribute("role", "status");
  overview.before(news);
  const say = teller(news);
  every(15, async () => {
    try {
      const found = await parsed(location.href);
      const fresh = found && found.querySelector("[data-refresh]");
      if (!fresh) {
        say("This is no longer brought up to date: load the page again.");
        return false;
      }
      if (fresh.innerHTML === overview.innerHTML) {
        say("");
        return true;
      }
      // What is being read or used stays.
      const chosen = getSelection();
      const used = overview.contains(document.activeElement) || overview.querySelector("details[open]") ||
        (!chosen.isCollapsed && overview.contains(chosen.anchorNode));
      if (!used) overview.innerHTML = fresh.innerHTML;
      say(used ? "What is shown is some time old: load the page again." : "");
    } catch {
      say("The daemon does not answer. This is what was known last.");
    }
    return true;
  });
}
