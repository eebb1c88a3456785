// Package providers holds the clients of three providers: Claude, Spotify and Last.fm.
//
// # The model
//
// [NewClients] returns one client for each provider. Each method of a client is one request. The transport pays for
// each request on the route of its provider, "anthropic", "spotify" or "lastfm", and reports what the answer says about the
// provider's limits. The clients decide nothing about when a request is sent and whether it is worth another, with one exception: while
// Last.fm refuses calls without saying for how long, [LastFM] sends one request after each pause.
//
// An answer of Claude settles what its call has cost, in the buckets that ClientConfig.Usage names.
//
// # The guarantee
//
// The clients repeat nothing and follow no redirect. No text of an error holds a URL, a key or a token, whatever the
// provider answered. Answers are read up to 4 MiB.
//
// # When things fail
//
// A provider that says no is an [APIError]. A request without a usable answer is an error that names the provider.
// [Verdict] tells an orchestrator which of these errors are worth another attempt.
//
// # Goroutines
//
// The clients start none and are safe for concurrent use.
package providers
