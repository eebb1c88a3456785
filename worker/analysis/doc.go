// Package analysis analyses a playlist: it asks Claude what would go with it, looks everything up at Spotify and
// Last.fm, and creates a playlist that continues it.
//
// # The model
//
// An analysis of 50 tracks is about 170 calls. Each is one task of an orchestrator on the route of its provider, and
// one request:
//
//	first question ──> 5 to 10 searches ──┬──> audio features, per track ───┬──> final question ──> create ──> add items
//	                                      ├──> Last.fm, per track ──────────┤
//	                                      └──> Last.fm, per artist (to 45) ─┘
//	narrator: 5 to 8 comments, beside all of it
//
// Where the playlist consists of links or ids, their names come before all of this, each from Spotify in one request. A track that the
// playlist has several times is analysed once, and no question is asked twice.
//
// An arrow is an await; what is side by side runs side by side. The package decides the order of calls only: how many
// run at a time and when each may start belongs to the orchestrator.
//
// # The guarantee
//
// One attempt of a task is one request at most. Whether a task is tried again is up to the orchestrator, which asks [providers.Verdict]. What
// an analysis hangs on (the two questions, the searches, the playlist and its tracks) outlasts half a minute in which the provider fails,
// without the retry budget of its route. The playlist is made once, though answers are lost. Comments are never tried again, wait behind all
// other calls, and hold up the end for five seconds at most. Each track and each artist is asked for once.
//
// # When things fail
//
// The analysis fails with the names of the tracks where Spotify knows none, the first question or the final question, and with its
// context; the error names the step. It also fails, before more is asked of anybody, when Claude or Spotify asks to wait until after the
// deadline of the context, when a quota of them is spent, or when they refuse the key or the token: the final question and the playlist come
// last and could not be. Everything else costs only itself and is noted in the result: a search, a playlist that cannot be created or
// filled, for by then the rest is paid for. The first refusal that means all calls of a kind ends the kind: audio features that Spotify
// denies, a key that Last.fm has suspended, a narrator's model that does not exist.
//
// No answer of a provider ends the process. Numbers that cannot be, such as a tempo of 1e308, are refused where an answer is read, and cost
// that lookup. Texts and lists are cut there, so that a result takes less than half a MiB as JSON.
//
// # Goroutines
//
// Analyze runs the flow, its three concurrent batches and the wait for each comment in goroutines of its own, and
// returns after the last of them. A panic in one of them ends the analysis with a [StepError], and nothing else.
package analysis
