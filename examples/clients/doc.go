// Package clients shows weir's transport under popular HTTP clients. Each client has a file, with a function that makes the client and an example
// that runs it. Each example shows three things:
//
//   - Calls wait for their tokens.
//   - Each request takes a token. The retries, redirects and token requests of the client do so, too.
//   - If a provider refuses a call of one replica, the other replicas wait, too.
//
// The package is a module of its own, so that the clients do not become dependencies of weir.
package clients
