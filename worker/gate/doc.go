// Package gate decides which HTTP requests a server works on. It knows nothing of the work.
//
// A [Gate] is middleware in two parts. [Gate.Handler] stands before all routes:
//
//   - It refuses requests that a foreign web page has made a browser send: by Sec-Fetch-Site, by Origin, and, where no token is
//     configured, by a Host that is a foreign name (a name that an attacker's DNS points to this machine).
//   - It asks for the bearer token, if one is configured, and compares it in constant time.
//   - It bounds the requests under way, gives each an id, and writes one log line for each, in which no text of the client stands except
//     a harmless request id: the route instead of the URL, a known method or "other".
//   - A handler that panics costs its own request only.
//
// [Gate.Upload] stands before one route that takes a body. It receives the whole body before the handler runs:
//
//   - The content type has to be one that no HTML form can send and no script can without asking first.
//   - The body has to arrive: within a given time, and then so many bytes in each further such time. A client that is slower gets 408.
//   - The body is bounded, before and after decompression: 413. All bodies under way together are bounded in bytes: 503.
//   - gzip is unpacked.
//
// Refusals are [Problem] documents, and those that time may cure say when to come back.
//
// [Gate.Stop] ends uploads that are under way, for servers that end. A Gate starts no goroutine.
package gate
