package playlist

import "time"

const (
	// MaxTracks is how many tracks a playlist may have: Spotify's own bound.
	MaxTracks = 10_000
	// MaxBytes is how long an input of Parse may be. Ten thousand rows of an export with every column are about 6 MiB.
	MaxBytes = 16 << 20
	// MaxText is how many characters a name may have. Names go into prompts, and a longer text is not a title.
	MaxText = 1_000
	// MaxShown is how many rows of a LeftOut are shown.
	MaxShown = 10

	maxArtists = 100 // on one track
)

// Playlist is the input of an analysis. A Playlist from Parse has 1 to MaxTracks tracks.
type Playlist struct {
	Name   string // empty if the input has none
	Format string // what the input was read as, such as "CSV"
	Tracks []Track
	// LeftOut are the rows that were left out, a group for each reason.
	LeftOut []LeftOut
	// Notes list what else of the playlist the input lacks, a sentence each.
	Notes []string
}

// Track is one row of a playlist. A Track from Parse has a name or an ID, and its texts are UTF-8 of one line each.
type Track struct {
	// ID is Spotify's id, 22 characters of base62, or empty if the input has none.
	ID string
	// Name is empty if the input consists only of links or ids: then Spotify has the name.
	Name     string
	Artists  []string // in the order of the credits, possibly none
	Album    string
	Released string        // a date or a year, as the input has it
	Duration time.Duration // 0 if unknown
}

// URI returns Spotify's URI of a track that has an ID.
func (t Track) URI() string { return "spotify:track:" + t.ID }

// LeftOut are rows of an input that cannot be used, for one reason.
type LeftOut struct {
	Why   Why   `json:"why"`
	Count int   `json:"count"`
	Rows  []Row `json:"rows"` // the first MaxShown of them
}

// Row is the place and the name of a row in an input.
type Row struct {
	Line int    `json:"line"` // from 1
	Name string `json:"name"` // its name, else another text of the row; at most 60 characters
}

// Why is the reason for which rows are left out.
type Why string

// The reasons for which rows are left out.
const (
	WhyWithdrawn Why = "withdrawn"   // the row has lost its name: Spotify has withdrawn the track
	WhyLocal     Why = "local file"  // a file on a user's disk
	WhyEpisode   Why = "episode"     // of a podcast or an audiobook
	WhyOther     Why = "not a track" // an album, an artist, a playlist, a short link
	WhyDamaged   Why = "damaged"     // an invalid id, too many columns, an unterminated text
)
