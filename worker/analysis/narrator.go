package analysis

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// An analysis is commented on five times, and three times more while the tracks and artists are looked up.
const fixedAsides = 5

func plannedAsides(lookups int) int { return fixedAsides + len(quarters(lookups)) }

// quarters returns the counts at which a quarter, a half and three quarters of the lookups have ended.
func quarters(lookups int) []int {
	var at []int
	for _, n := range []int{(lookups + 3) / 4, (lookups + 1) / 2, (3*lookups + 3) / 4} {
		if n > 0 && (len(at) == 0 || n > at[len(at)-1]) {
			at = append(at, n)
		}
	}
	return at
}

// narrate asks the narrator for a comment and reports it when it comes. Only the end of the analysis waits for it, for
// lastWords at most. If it fails, only the comment is lost. After a refusal that means all comments, narrate asks for
// no further comment.
func (r *run) narrate(ctx context.Context, happened string) {
	if ctx.Err() != nil || r.comments.Err() != nil {
		return
	}
	question := aside(happened)
	s := step{phase: PhaseNarrator, api: providers.APIAnthropic, name: "anthropic.narrate", costs: r.clients.Anthropic.NarrateCosts(question)}
	r.narrators.Go(func() {
		ask := func(ctx context.Context) (string, error) { return r.clients.Anthropic.Narrate(ctx, question) }
		// The sentence has then been sent to the caller, or is lost.
		_ = caught(func() error {
			_, err := one(r.comments, r, s, ask, func(text string) string { return playlist.Clip(playlist.OneLine(text), 300) })
			r.refused(err)
			return err
		})
	})
}

// lastWords is how long the end of an analysis waits for comments.
const lastWords = 5 * time.Second

var errOver = errors.New("the analysis is over")

// listen waits for the requested comments.
func (r *run) listen() {
	late := time.AfterFunc(lastWords, func() { r.hush(errOver) })
	r.narrators.Wait()
	late.Stop()
	if err := closedBy(r.comments); err != nil {
		r.note("comments are missing: " + err.Error())
	}
}

const maxSome = 5

func some(tracks []playlist.Track) string {
	var names []string
	for _, t := range tracks[:min(len(tracks), maxSome)] {
		names = append(names, t.Name+" by "+artist(t))
	}
	return strings.Join(names, ", ")
}

func someFound(found []Found) string {
	var names []string
	for _, f := range found[:min(len(found), maxSome)] {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

func someTags(tags []Tag) string {
	var names []string
	for _, t := range tags[:min(len(tags), maxSome)] {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}
