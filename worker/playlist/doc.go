// Package playlist reads a playlist as people have it: as an export of some program, a download, a table, or links.
//
// # The model
//
// A [Playlist] is a name and a list of tracks. [Parse] makes one of an input. It tries the formats in an order, the most specific first, and
// each format knows its own by the beginning of the input. These are read:
//
//	CSV         commas, semicolons, tabs or bars between the columns, which are found by their headings: those of Exportify in its 15
//	            languages, TuneMyMusic, Soundiiz, Deezer, Apple Music ("Plain Text"), and common words. Under unknown headings, or under
//	            none, the columns are found by what is in them, as long as one holds links or ids of tracks
//	JSON        of Spotify's API (a playlist, a page, top tracks; of 2025 and of 2026), of a Spotify account's download (Playlist1.json,
//	            YourLibrary.json), of spotDL, or written by hand: {"name": …, "tracks": […]}
//	JSON lines  an object for each track
//	M3U         with or without what #EXTINF says
//	links       or URIs or ids of tracks, and nothing else
//
// Texts are UTF-8 or UTF-16. Other things, such as zip archives, workbooks, web pages and lists of what was played, are refused by name.
//
// The texts of a playlist come from strangers. [OneLine] puts such a text on one line and [Clip] shortens it. [Quoted]
// shows one in an error.
//
// # The guarantee
//
// A playlist that Parse returned has at least one track. Each of its tracks has a name or an id. Each text is UTF-8 of one line
// and of bounded length. Every row of the playlist that is not blank is a track or is counted in a [LeftOut]. Inputs are read up to [MaxBytes], and reading takes
// at most ten times that in memory.
//
// # When things fail
//
// A row that cannot be used costs itself: local files, episodes, tracks without a name, things that are no tracks, damaged rows. An input that
// is no playlist, that is cut off, that holds several playlists, or that has no row that can be used is refused as a whole, with a line that
// says what is wrong, where, and what to do.
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
