// The data of the page. The item browser's data is gzip in base64 and is unpacked here, without a request.

/** Return the small data: the initial filter, and the names of languages. */
function readStart() {
  const start = JSON.parse(document.getElementById("start").textContent);
  return { variant: start?.variant, languages: start?.languages ?? {}, views: start?.views ?? {}, failures: start?.failures ?? {}, judges: start?.judges ?? [], rules: start?.rules ?? {} };
}

/** Return the items and the rows of items and variants. It fails if the data are damaged. */
async function unpackItems() {
  const packed = atob(document.getElementById("packed-items").textContent);
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(text).json();
}
