// Package playlist reads a playlist in the forms that users have: an export of a program, a download, a table, or
// links.
//
// # The model
//
// A [Playlist] is a name and a list of tracks. [Parse] makes a Playlist from an input. It tries the formats, the most
// specific first. Each format recognises its inputs by their beginning. The formats are:
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
// Texts are UTF-8 or UTF-16. Other inputs, such as zip archives, workbooks, web pages and listening histories, are
// refused by name.
//
// The texts of a playlist come from strangers. [OneLine] puts such a text on one line and [Clip] shortens it. [Quoted]
// shows one in an error.
//
// # The guarantee
//
// A playlist that Parse returned has at least one track. Each of its tracks has a name or an id. Each text is UTF-8 of
// one line and of bounded length. Every row of the playlist that is not blank is a track or is counted in a [LeftOut].
// Inputs are read up to [MaxBytes], and reading takes at most ten times that in memory.
//
// # When things fail
//
// Parse leaves out a row that cannot be used: local files, episodes, tracks without a name, rows that are no tracks,
// damaged rows. It refuses an input that is no playlist, is cut off, contains several playlists, or has no usable row.
// The error is one line: what is wrong, where, and what to do.
//
// # The sample
//
// The sample playlist has real songs with made-up ids: 22 characters of base62 derived from title and artists. The ids
// are for a simulator. No track at Spotify has them, so Spotify has no audio features for them and cannot add them to a
// playlist.
//
// # Goroutines
//
// The package starts no goroutine.
package playlist
