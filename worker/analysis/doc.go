// Package analysis analyses a playlist: it asks Claude for matching music, looks up tracks and artists at Spotify and
// Last.fm, and creates a playlist that continues the input.
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
// If the playlist consists of links or ids, the analysis first gets their names from Spotify, one request each. A track
// that the playlist has several times is analysed once, and no lookup is made twice.
//
// An arrow is an await; parallel branches run concurrently. The package decides only the order of calls: the
// orchestrator decides how many run at a time and when each may start.
//
// # The guarantee
//
// One attempt of a task is one request at most. The orchestrator decides by [providers.Verdict] whether a task is tried
// again. The calls on which an analysis depends (the two questions, the searches, the playlist and its tracks) survive
// half a minute in which the provider fails, without the retry budget of their route. The playlist is made once, even
// if answers are lost. Comments are never tried again, wait behind all other calls, and delay the end for five seconds
// at most. Each track and each artist is looked up once.
//
// # When things fail
//
// The analysis fails if Spotify knows none of the tracks of a playlist of ids, if the first or the final question
// fails, and if its context ends; the error names the step. It also fails if Claude or Spotify asks to wait until after
// the deadline of the context, has a spent quota, or refuses the key or the token. It then makes no further calls,
// because the final question and the playlist, which come last, would fail. Other failures do not end the analysis and
// are noted in the result: a search, a playlist that cannot be created or filled. The first refusal that means all
// calls of a kind ends the kind: audio features that Spotify denies, a key that Last.fm has suspended, a narrator's
// model that does not exist.
//
// No answer of a provider ends the process. When an answer is read, impossible numbers, such as a tempo of 1e308, fail
// that lookup. Texts and lists are cut, so that a result takes less than half a MiB as JSON.
//
// # Goroutines
//
// Analyze runs the flow, its three concurrent batches and the wait for each comment in goroutines of its own, and
// returns after the last of them. A panic in one of them ends the analysis with a [StepError], and nothing else.
package analysis
