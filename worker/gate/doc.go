// Package gate decides which HTTP requests a server accepts. It does not depend on what the server does.
//
// A [Gate] is middleware in two parts. [Gate.Handler] comes before all routes:
//
//   - It refuses requests that a foreign web page has made a browser send: by Sec-Fetch-Site, by Origin, and, if no
//     token is configured, by a Host that is a foreign name (a name that an attacker's DNS points to this machine).
//   - It requires the bearer token, if one is configured, and compares it in constant time.
//   - It bounds the open requests, gives each an id, and writes one log line for each. The line contains no text of the
//     client except a harmless request id: it has the route instead of the URL, and a known method or "other".
//   - A handler that panics fails only its own request.
//
// [Gate.Upload] comes before a route that takes a body. It receives the whole body before the handler runs:
//
//   - The content type must be one that no HTML form can send, and no script without a preflight request.
//   - The body must arrive within a given time, or make a given progress in each further such time. A slower client
//     gets 408.
//   - The body is bounded, before and after decompression: 413. All bodies in memory together are bounded in bytes:
//     503.
//   - gzip is unpacked.
//
// Refusals are [Problem] documents. Temporary refusals contain when to try again.
//
// [Gate.Stop] ends running uploads, for servers that end. A Gate starts no goroutine.
package gate
