// The data of the page: the item browser's is gzip in base64 and is unpacked here, without a request.

/** The small data: what to show first, and the languages' names. */
function readStart() {
  return JSON.parse(document.getElementById("start").textContent);
}

/** Items, and rows of items and variants. */
async function unpackItems() {
  const packed = atob(document.getElementById("packed-items").textContent);
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(text).json();
}
