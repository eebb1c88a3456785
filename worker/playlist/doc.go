// Package playlist reads a playlist from a CSV or from JSON.
//
// # The model
//
// A [Playlist] is a name and a list of tracks. [Parse] makes one of an input and tells the two formats apart itself.
// The texts of a playlist come from strangers. [OneLine] puts such a text on one line and [Clip] shortens it. [Quoted]
// shows one in an error.
//
// # The guarantee
//
// A playlist that Parse returned has at least one track. Each of its tracks has a name. Each text is UTF-8 of one line
// and of bounded length. Inputs are read up to 16 MiB.
//
// # When things fail
//
// An input that cannot be read is refused as a whole, with a line that says what is wrong, where, and what to do.
//
// # The sample
//
// The sample playlist holds real songs, but ids made up for them: 22 characters of base62 derived from title and
// artists. They are good for a simulator. At Spotify no track has them, so its audio features are not found there and
// the playlist that is created cannot be filled with them.
//
// # Goroutines
//
// The package starts none.
package playlist
