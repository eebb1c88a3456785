package analysis

// Progress is one piece of news from an analysis: a line for people, a count, or both.
type Progress struct {
	// Phase is one of the Phase constants.
	Phase string `json:"phase"`
	// Text is a sentence, empty where only the count has changed.
	Text string `json:"text"`
	// Done of Total tasks of this phase have ended. Phases run side by side, so the counts of one come between those of
	// another.
	Done  int `json:"done"`
	Total int `json:"total"`
	// AllDone of AllTotal tasks of the whole analysis have ended: what a single bar shows. AllTotal grows by a few when
	// the searches and the tracks to add are known.
	AllDone  int `json:"all_done"`
	AllTotal int `json:"all_total"`
}

// The phases of an analysis, in the order in which they begin.
const (
	PhaseNames    = "names"    // of tracks that the playlist gives by their ids alone, if there are any
	PhasePlan     = "plan"     // the first question to Claude
	PhaseSearch   = "search"   // Spotify's catalogue
	PhaseFeatures = "features" // how the tracks sound; at the same time as the next two
	PhaseTracks   = "tracks"   // what Last.fm knows of the tracks
	PhaseArtists  = "artists"  // and of the artists
	PhaseSummary  = "summary"  // the final question
	PhaseCreate   = "create"   // the new playlist
	PhaseFill     = "fill"     // its tracks
	PhaseNarrator = "narrator" // comments on all of these, beside them
)

// event is news on its way from the goroutines of an analysis to the one that called Analyze.
type event struct {
	phase, text string
	planned     int // tasks that this phase now has in all, if it says so
	asked       int // tasks given to the orchestrator just now
	ended       bool
	failed      bool // of an ended task
}

// tally counts the events of an analysis. It belongs to one goroutine.
type tally struct {
	phases               map[string]*phaseTally
	asked, ended, failed int
}

type phaseTally struct{ done, total int }

// add counts an event and words it for people.
func (t *tally) add(e event) Progress {
	p := t.phases[e.phase]
	if p == nil {
		p = &phaseTally{}
		t.phases[e.phase] = p
	}
	p.total = max(p.total, e.planned)
	t.asked += e.asked
	if e.ended {
		p.done++
		t.ended++
	}
	if e.failed {
		t.failed++
	}
	news := Progress{Phase: e.phase, Text: e.text, Done: p.done, Total: p.total}
	for _, p := range t.phases {
		news.AllDone += p.done
		news.AllTotal += p.total
	}
	return news
}
