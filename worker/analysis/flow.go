package analysis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

const maxArtistLookups = 45

// flow is the analysis from its first call to its last. Independent steps run concurrently.
func (r *run) flow(ctx context.Context, l *lookups) error {
	if len(l.nameless) > 0 {
		if err := r.names(ctx, l.nameless); err != nil {
			return err
		}
		l = lookupsOf(r.list)
		r.events <- event{phase: PhaseNarrator, planned: plannedAsides(l.total())}
	}
	if n := len(r.list.Tracks) - len(l.withID); n > 0 {
		r.note(count(n, "track") + " without an id of Spotify: audio features of them are missing, and the new playlist has none of them")
	}
	queries, err := r.plan(ctx, l.artists)
	if err != nil {
		return err
	}
	fresh, err := r.search(ctx, queries)
	if err != nil {
		return err
	}
	if err := r.enrich(ctx, l); err != nil {
		return err
	}
	if err := r.conclude(ctx, fresh); err != nil {
		return err
	}
	return r.create(ctx, fresh)
}

// failed returns the error of a step. If ctx has ended, the error is the cause of that, whatever error the call
// returned.
func failed(ctx context.Context, in string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		return nil
	}
	return &StepError{in, err}
}

// plan asks what to search for.
func (r *run) plan(ctx context.Context, artists []string) ([]string, error) {
	r.events <- event{phase: PhasePlan, text: r.opening()}
	r.narrate(ctx, fmt.Sprintf("the playlist %s was opened; it has %d tracks, among them %s", data(called(r.list)), len(r.list.Tracks), some(r.list.Tracks)))
	question := firstQuestion(r.list)
	s := step{phase: PhasePlan, api: providers.APIAnthropic, name: "anthropic.plan", costs: r.clients.Anthropic.AskCosts(question)}
	text, err := one(ctx, r, s, providers.Patiently(func(ctx context.Context) (string, error) {
		return r.clients.Anthropic.Ask(ctx, question)
	}), nil)
	if err := failed(ctx, "first question", err); err != nil {
		return nil, err
	}
	queries := searches(searchesIn(text))
	if len(queries) == 0 {
		r.note("Claude proposed no searches; artists and titles of the playlist were searched for")
	}
	queries.fillUp(r.list, artists)
	return queries, nil
}

// opening describes the playlist, and the rows of the input that were left out.
func (r *run) opening() string {
	text := fmt.Sprintf("Reading %s", count(len(r.list.Tracks), "track"))
	if r.result.Repeated > 0 {
		text += fmt.Sprintf(", each once though the playlist has %s", count(r.result.Tracks, "row"))
	}
	text += "."
	if left := r.list.Omissions(); left != "" {
		text += " Left out: " + left + "."
	}
	return text
}

// search looks for tracks that are not in the playlist.
func (r *run) search(ctx context.Context, queries []string) ([]playlist.Track, error) {
	r.events <- event{phase: PhaseSearch, planned: len(queries), text: fmt.Sprintf("Searching Spotify %d times.", len(queries))}
	r.narrate(ctx, "these searches were chosen: "+strings.Join(queries, "; "))
	s := step{phase: PhaseSearch, api: providers.APISpotify, name: "spotify.search"}
	patient := make([]func(context.Context) ([]playlist.Track, error), len(queries))
	for i, query := range queries {
		patient[i] = providers.Patiently(func(ctx context.Context) ([]playlist.Track, error) { return r.clients.Spotify.Search(ctx, query) })
	}
	b, err := many(ctx, r, s, patient, func(ctx context.Context, search func(context.Context) ([]playlist.Track, error)) ([]playlist.Track, error) {
		return search(ctx)
	}, func() {})
	if err := failed(ctx, "search", err); err != nil {
		return nil, err
	}
	fresh := newTracks(r.list, found(ctx, r, "searches", b))
	for _, t := range fresh {
		r.result.Found = append(r.result.Found, foundOf(t))
	}
	return fresh, nil
}

// conclude asks for title and summary.
func (r *run) conclude(ctx context.Context, fresh []playlist.Track) error {
	r.events <- event{phase: PhaseSummary, text: "Putting it together."}
	r.narrate(ctx, fmt.Sprintf("every question is answered; the most frequent tags are %s", someTags(r.result.Tags)))
	question := finalQuestion(r.list, r.result, fresh)
	s := step{phase: PhaseSummary, api: providers.APIAnthropic, name: "anthropic.summary", costs: r.clients.Anthropic.AskCosts(question)}
	text, err := one(ctx, r, s, providers.Patiently(func(ctx context.Context) (string, error) {
		return r.clients.Anthropic.Ask(ctx, question)
	}), nil)
	if err := failed(ctx, "final question", err); err != nil {
		return err
	}
	r.result.Title, r.result.Summary = verdictIn(text, called(r.list))
	return nil
}

func (r *run) note(text string) { r.result.Notes = append(r.result.Notes, text) }

// found returns the values of the tasks of a batch, with the zero value for each task that failed. It notes failures;
// the next step handles the end of ctx.
func found[T any](ctx context.Context, r *run, what string, b *orchestrator.Batch[T]) []T {
	values, err := b.Values(ctx)
	if lost, ok := errors.AsType[*orchestrator.BatchError](err); ok {
		r.result.FailedLookups += len(lost.Errors)
		r.note(fmt.Sprintf("%s: %d failed, the first: %v", what, len(lost.Errors), lost.Errors[0]))
	}
	return values
}
