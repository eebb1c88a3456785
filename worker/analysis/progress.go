package analysis

// Progress is one progress report of an analysis: a line for people, a count, or both.
type Progress struct {
	// Phase is one of the Phase constants.
	Phase string `json:"phase"`
	// Text is a sentence, empty if only the count has changed.
	Text string `json:"text"`
	// Done of Total tasks of this phase have ended. Phases run concurrently, so the counts of one phase come between
	// those of another.
	Done  int `json:"done"`
	Total int `json:"total"`
	// AllDone of AllTotal tasks of the whole analysis have ended: the values of a single bar. AllTotal grows by a few
	// when the searches and the tracks to add are known.
	AllDone  int `json:"all_done"`
	AllTotal int `json:"all_total"`
}

// The phases of an analysis, in the order in which they begin.
const (
	PhaseNames    = "names"    // of tracks that the playlist has only as ids, if any
	PhasePlan     = "plan"     // the first question to Claude
	PhaseSearch   = "search"   // Spotify's catalogue
	PhaseFeatures = "features" // how the tracks sound; at the same time as the next two
	PhaseTracks   = "tracks"   // what Last.fm knows about the tracks
	PhaseArtists  = "artists"  // and of the artists
	PhaseSummary  = "summary"  // the final question
	PhaseCreate   = "create"   // the new playlist
	PhaseFill     = "fill"     // its tracks
	PhaseNarrator = "narrator" // comments on all of these, beside them
)

// event is a report from a goroutine of an analysis to the goroutine that called Analyze.
type event struct {
	phase, text string
	planned     int // tasks that this phase now has in all, if it says so
	asked       int // tasks given to the orchestrator just now
	ended       bool
	failed      bool // of an ended task
}

// tally counts the events of an analysis. One goroutine owns it.
type tally struct {
	phases               map[string]*phaseTally
	asked, ended, failed int
}

type phaseTally struct{ done, total int }

// add counts an event and returns its text for people.
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
