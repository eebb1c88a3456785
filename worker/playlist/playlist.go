package playlist

import "time"

const (
	// MaxTracks is how many tracks a playlist may have: Spotify's own bound.
	MaxTracks = 10_000
	// MaxBytes is how long an input of Parse may be. Ten thousand rows of an export with every column are about 6 MiB.
	MaxBytes = 16 << 20
	// MaxText is how many characters a name may have. What lies above is not a title but an accident, and would go into
	// prompts.
	MaxText = 1_000
	// MaxShown is how many rows of a LeftOut are shown.
	MaxShown = 10

	maxArtists = 100 // on one track
)

// Playlist is what an analysis works on. One that Parse returned has 1 to MaxTracks tracks.
type Playlist struct {
	Name   string // empty where the input has none
	Format string // what the input was read as, such as "CSV"
	Tracks []Track
	// LeftOut are the rows that are no track of the playlist, a group for each reason that occurs.
	LeftOut []LeftOut
	// Notes say what else of the playlist is not in the input, a sentence each.
	Notes []string
}

// Track is one row of a playlist. One that Parse returned has a name or an ID, and its texts are UTF-8 of one line each.
type Track struct {
	// ID is Spotify's, 22 characters of base62, or empty where the input does not give one.
	ID string
	// Name is empty where the input consists of links or ids alone: then Spotify knows it.
	Name     string
	Artists  []string // in the order of the credits, possibly none
	Album    string
	Released string        // a date or a year, as the input has it
	Duration time.Duration // 0 if unknown
}

// URI is what Spotify calls a track that has an ID.
func (t Track) URI() string { return "spotify:track:" + t.ID }

// LeftOut are rows of an input that cannot be used, for one reason.
type LeftOut struct {
	Why   Why   `json:"why"`
	Count int   `json:"count"`
	Rows  []Row `json:"rows"` // the first MaxShown of them
}

// Row is where a row is in an input, and what it is called.
type Row struct {
	Line int    `json:"line"` // from 1
	Name string `json:"name"` // its name, else what else there is of it; at most 60 characters
}

// Why is the reason for which rows are left out.
type Why string

// The reasons for which rows are left out.
const (
	WhyWithdrawn Why = "withdrawn"   // the row has no name any more: Spotify has withdrawn the track
	WhyLocal     Why = "local file"  // a file on somebody's disk
	WhyEpisode   Why = "episode"     // of a podcast or an audiobook
	WhyOther     Why = "not a track" // an album, an artist, a playlist, a short link
	WhyDamaged   Why = "damaged"     // an id that cannot be, too many columns, a text without end
)
