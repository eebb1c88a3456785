package analysis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// Analyzer analyses playlists. It is safe for concurrent use: analyses share only its orchestrator.
type Analyzer struct {
	o       *orchestrator.Orchestrator
	clients *providers.Clients
}

// NewAnalyzer returns an analyzer whose calls are tasks of o, on the routes "anthropic", "spotify" and "lastfm".
func NewAnalyzer(o *orchestrator.Orchestrator, clients *providers.Clients) *Analyzer {
	return &Analyzer{o: o, clients: clients}
}

// RouteSlots are the most slots, of those of an orchestrator, that tasks of a route may take; 0 slots are
// [orchestrator.DefaultSlots]. Calls of Last.fm take six of ten. Last.fm refuses calls without a time to wait, and then
// refuses all calls in flight. With fewer slots an analysis loses fewer calls. The other slots are for the questions,
// on which more depends.
func RouteSlots(slots int) map[string]int {
	if slots == 0 {
		slots = orchestrator.DefaultSlots
	}
	return map[string]int{providers.APILastFM: max(1, slots*6/10)}
}

// Retry sets which calls of analyses are tried again, and how long a provider may ask to wait: not longer than an
// analysis may take.
func Retry(deadline time.Duration) orchestrator.Retry {
	return orchestrator.Retry{Classify: providers.Verdict, MostAfter: deadline}
}

// grace is how long Analyze waits for the tasks of a cancelled analysis.
const grace = 5 * time.Second

// Analyze runs one analysis and returns its result, which is never nil. A track that a playlist has several times is
// analysed once. An error is a [*StepError]: the names of tracks that the playlist has only as ids, the first or the
// final question, the creation of the playlist, the end of ctx, or Claude or Spotify if they refuse calls until after
// the deadline of ctx or because a quota is spent. Other failures are in the result. Without a deadline an analysis
// waits for as long as a provider asks.
//
// report, unless nil, is called when a phase begins and when a task has ended. It is called in the goroutine that
// called Analyze, so never concurrently, and never after ctx has ended. While it runs the tasks continue, but no new
// phase begins, so it should be quick.
//
// When ctx ends, Analyze returns as soon as its tasks have ended. If a task ignores its context, Analyze returns after
// five seconds.
func (a *Analyzer) Analyze(ctx context.Context, p playlist.Playlist, report func(Progress)) (*Result, error) {
	start := time.Now()
	rows := len(p.Tracks)
	p.Tracks = distinct(p.Tracks)
	result := &Result{
		Playlist: p.Name, Format: p.Format, Tracks: rows, Repeated: rows - len(p.Tracks), LeftOut: append([]playlist.LeftOut{}, p.LeftOut...), AudioFeatures: FeaturesOK,
		Tags: []Tag{}, SimilarArtists: []string{}, Found: []Found{}, Notes: append([]string{}, p.Notes...), Calls: map[string]int64{},
	}
	if len(p.Tracks) == 0 {
		return result, &StepError{"read the playlist", errors.New("it has no tracks; give one with at least one")}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Tasks are awaited for a while after the end of ctx, so that every cancelled task ends and is counted. The wait is
	// bounded, because Execute would wait indefinitely for a task that ignores its context.
	settle, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, giveUp) })
	l := lookupsOf(p)
	r := &run{
		o: a.o, clients: a.clients, list: p, id: uuid.NewString(), result: result, settle: settle,
		events: make(chan event), giveUp: cancel,
		calls: map[string]*atomic.Int64{providers.APIAnthropic: {}, providers.APISpotify: {}, providers.APILastFM: {}},
	}
	r.comments, r.refused, r.hush = closable(ctx)
	defer r.hush(nil)
	var failure error
	go func() {
		defer close(r.events)
		failure = caught(func() error { return r.flow(ctx, l) })
		if failure != nil {
			cancel(failure)
		}
		r.listen()
	}()
	// Also when report panics: goroutines that send events would wait indefinitely.
	defer func() {
		cancel(nil)
		for range r.events {
		}
	}()

	news := tally{phases: map[string]*phaseTally{
		PhasePlan: {total: 1}, PhaseSummary: {total: 1}, PhaseCreate: {total: 1}, PhaseNarrator: {total: plannedAsides(l.total())},
		PhaseFeatures: {total: l.known()}, PhaseTracks: {total: len(l.credited)}, PhaseArtists: {total: len(l.artists)},
	}}
	for e := range r.events {
		progress := news.add(e)
		if report != nil && ctx.Err() == nil {
			report(progress)
		}
	}
	for api, n := range r.calls {
		result.Calls[api] = n.Load()
	}
	result.Tasks, result.Ended, result.Failed = news.asked, news.ended, news.failed
	result.Seconds = time.Since(start).Seconds()
	return result, failure
}
