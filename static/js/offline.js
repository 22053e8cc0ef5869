// Keeps the guides that were opened: without a network, what was kept is shown.
"use strict";

const KEPT = "guides";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The network first, so that a new edition is seen; what it does not answer comes from what was kept.
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  event.respondWith(fetch(event.request).catch(async (failure) => {
    const kept = await caches.open(KEPT).then((box) => box.match(event.request, { ignoreVary: true }));
    if (!kept) throw failure;
    return kept;
  }));
});
