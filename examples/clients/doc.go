// Package clients shows weir's transport under the HTTP clients that people use. There is a file for each client, with a function that makes
// the client and an example that plays it. Each example shows three things:
//
//   - Calls wait their turn.
//   - Each request pays, so that the retries, redirects and token requests of the client pay too.
//   - A refusal that one replica sees is known to the others.
//
// The package is a module of its own, so that the clients do not become dependencies of weir.
package clients
