package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

const (
	maxArtistLookups = 45
	maxAdded         = 2 * providers.AddLimit
)

// flow is the analysis from its first call to its last. What depends on something awaits it; what does not goes on
// beside it.
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

// failed says in which step the analysis failed. If ctx has ended, that is why, whatever a call made of it.
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
	text, err := one(ctx, r, step{PhasePlan, providers.APIAnthropic, "anthropic.plan"}, providers.Patiently(func(ctx context.Context) (string, error) {
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

// opening says what the playlist is, and what of the input is no part of it.
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
	s := step{PhaseSearch, providers.APISpotify, "spotify.search"}
	b, err := many(ctx, r, s, queries, r.clients.Spotify.Search, func() {})
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
	text, err := one(ctx, r, step{PhaseSummary, providers.APIAnthropic, "anthropic.summary"}, providers.Patiently(func(ctx context.Context) (string, error) {
		return r.clients.Anthropic.Ask(ctx, question)
	}), nil)
	if err := failed(ctx, "final question", err); err != nil {
		return err
	}
	r.result.Title, r.result.Summary = verdictIn(text, called(r.list))
	return nil
}

// create makes the new playlist, of what was found and then of what there was, and fills it.
func (r *run) create(ctx context.Context, fresh []playlist.Track) error {
	r.events <- event{phase: PhaseCreate, text: fmt.Sprintf("Creating the playlist %q.", r.result.Title)}
	r.narrate(ctx, "the new playlist is called "+r.result.Title)
	title, summary := r.result.Title, r.result.Summary
	made, err := one(ctx, r, step{PhaseCreate, providers.APISpotify, "spotify.create-playlist"}, func(ctx context.Context) (providers.Created, error) {
		return providers.Makes(r.clients.Spotify.CreatePlaylist(ctx, title, summary))
	}, nil)
	if err := failed(ctx, "create playlist", err); err != nil {
		return err
	}
	r.result.Created = made

	tracks := slices.Concat(fresh, slices.DeleteFunc(slices.Clone(r.list.Tracks), func(t playlist.Track) bool { return t.ID == "" }))
	tracks = tracks[:min(len(tracks), maxAdded)]
	chunks := slices.Collect(slices.Chunk(tracks, providers.AddLimit))
	r.events <- event{phase: PhaseFill, planned: len(chunks), text: fmt.Sprintf("Adding %d tracks.", len(tracks))}
	for _, chunk := range chunks { // one after the other, because each adds at the end
		_, err := one(ctx, r, step{PhaseFill, providers.APISpotify, "spotify.add-items"}, func(ctx context.Context) (struct{}, error) {
			return providers.Makes(struct{}{}, r.clients.Spotify.AddItems(ctx, made.ID, chunk))
		}, nil)
		switch {
		case err == nil:
			r.result.Added += len(chunk)
		case ctx.Err() != nil:
			return failed(ctx, "fill the playlist", err)
		default:
			r.note("the playlist is not filled: " + err.Error())
			return nil
		}
	}
	return nil
}

func (r *run) note(text string) { r.result.Notes = append(r.result.Notes, text) }

// found is what the tasks of a batch have found, with the zero value for each that failed. Failures are noted; that ctx has
// ended is seen by the next step.
func found[T any](ctx context.Context, r *run, what string, b *orchestrator.Batch[T]) []T {
	values, err := b.Values(ctx)
	if lost, ok := errors.AsType[*orchestrator.BatchError](err); ok {
		r.result.FailedLookups += len(lost.Errors)
		r.note(fmt.Sprintf("%s: %d failed, the first: %v", what, len(lost.Errors), lost.Errors[0]))
	}
	return values
}
