package analysis

import (
	"context"
	"fmt"
	"slices"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

const (
	maxAdded       = 2 * providers.AddLimit
	maxDescription = 300 // characters that Spotify accepts
)

// create makes the new playlist and fills it with the found tracks and then with those of the input. A playlist that
// cannot be made is only noted, because the rest of the analysis is already paid for.
func (r *run) create(ctx context.Context, fresh []playlist.Track) error {
	if why := r.clients.Spotify.CannotCreate(); why != "" {
		r.note("no playlist is created: " + why)
		return nil
	}
	r.events <- event{phase: PhaseCreate, text: fmt.Sprintf("Creating the playlist %q.", r.result.Title)}
	r.narrate(ctx, "the new playlist is called "+r.result.Title)
	made, err := r.make(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return failed(ctx, "create playlist", err)
	case err != nil:
		r.note("no playlist is created: " + err.Error())
		return nil
	}
	r.result.Created = made
	return r.fill(ctx, made, fresh)
}

// make makes an empty playlist. Its description ends with a mark, by which it is found if the answer is lost.
func (r *run) make(ctx context.Context) (providers.Created, error) {
	mark := "weir " + r.id[:8]
	title, description := r.result.Title, playlist.Clip(r.result.Summary, maxDescription-len(mark)-3)+" ("+mark+")"
	var look func(context.Context) (providers.Created, bool, error)
	if r.clients.Spotify.Sees() {
		look = func(ctx context.Context) (providers.Created, bool, error) {
			return r.clients.Spotify.OwnPlaylist(ctx, mark)
		}
	}
	s := step{phase: PhaseCreate, api: providers.APISpotify, name: "spotify.create-playlist"}
	return one(ctx, r, s, providers.Patiently(providers.Once(func(ctx context.Context) (providers.Created, error) {
		return r.clients.Spotify.CreatePlaylist(ctx, title, description)
	}, look)), nil)
}

// fill adds the tracks. It notes tracks that cannot be added.
func (r *run) fill(ctx context.Context, made providers.Created, fresh []playlist.Track) error {
	tracks := slices.Concat(fresh, slices.DeleteFunc(slices.Clone(r.list.Tracks), func(t playlist.Track) bool { return t.ID == "" }))
	tracks = tracks[:min(len(tracks), maxAdded)]
	chunks := slices.Collect(slices.Chunk(tracks, providers.AddLimit))
	r.events <- event{phase: PhaseFill, planned: len(chunks), text: fmt.Sprintf("Adding %d tracks.", len(tracks))}
	for _, chunk := range chunks { // one after the other, because each adds at the end
		switch err := r.add(ctx, made, chunk); {
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

// add adds tracks at the end. If an answer is lost, the number of tracks shows whether the attempt has added them: the
// playlist is new, and only this analysis adds tracks.
func (r *run) add(ctx context.Context, made providers.Created, tracks []playlist.Track) error {
	before := r.result.Added
	var look func(context.Context) (struct{}, bool, error)
	if r.clients.Spotify.Sees() {
		look = func(ctx context.Context) (struct{}, bool, error) {
			_, total, err := r.clients.Spotify.PlaylistItems(ctx, made.ID, before)
			return struct{}{}, total >= before+len(tracks), err
		}
	}
	_, err := one(ctx, r, step{phase: PhaseFill, api: providers.APISpotify, name: "spotify.add-items"}, providers.Patiently(providers.Once(
		func(ctx context.Context) (struct{}, error) {
			return struct{}{}, r.clients.Spotify.AddItems(ctx, made.ID, tracks)
		}, look)), nil)
	return err
}
