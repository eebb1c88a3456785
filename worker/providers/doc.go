// Package providers holds the clients of three providers: Claude, Spotify and Last.fm.
//
// # The model
//
// [NewClients] returns one client for each provider. Each method of a client is one request. The transport pays for
// each request on the route of its provider, "anthropic", "spotify" or "lastfm", and reports what the answer says about
// the provider's limits. The clients do not decide when a request is sent and whether it is repeated, with two
// exceptions. While Last.fm refuses calls without a time to wait, [LastFM] sends one request after each pause. If the
// access token of a [SpotifyLogin] is about to end, the next call waits for another token, which is a request of its
// own.
//
// An answer of Claude is a stream of events. The client settles the cost of the call with the usage in the answer, in
// the buckets of ClientConfig.Usage.
//
// # The guarantee
//
// The clients repeat no request and follow no redirect. No text of an error contains a URL, a key or a token, whatever
// the provider answered. Answers are read up to 4 MiB.
//
// # When things fail
//
// A refusal or failure of a provider is an [APIError]. A request without a usable answer is an error that names the
// provider. [Verdict] decides for an orchestrator which of these errors lead to another attempt. [Closed] reports which
// of them mean all calls of the kind.
//
//	the provider fails, or no answer comes in time     tried again; with [Patiently] for half a minute
//	the same, of a call that makes something           tried again with [Once], after a look whether it has been made
//	an error inside of a stream, or a stream cut       as the same error with a status of its own
//	429, and Last.fm's error 29                        tried again after the time that the provider asks for
//	a quota that is spent, a key, consent or model     never; [APIError.Advice] says what to set
//	a track or an artist that Last.fm does not know    no error
//
// # Goroutines
//
// A renewal of an access token runs in a goroutine of its own, for ClientConfig.Timeout at most, so that a caller that
// gives up loses no refresh token. The clients start no other goroutine and are safe for concurrent use.
package providers
