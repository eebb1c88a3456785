package analysis

import (
	"context"
	"fmt"
	"slices"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// names asks Spotify for the tracks that the playlist has only as ids. Tracks that Spotify does not know are not
// analysed.
func (r *run) names(ctx context.Context, nameless []playlist.Track) error {
	r.events <- event{phase: PhaseNames, planned: len(nameless), text: fmt.Sprintf("Asking Spotify for %s that the playlist gives without names.", count(len(nameless), "track"))}
	s := step{phase: PhaseNames, api: providers.APISpotify, name: "spotify.track"}
	b, err := many(ctx, r, s, nameless, func(ctx context.Context, t playlist.Track) (playlist.Track, error) {
		return r.clients.Spotify.Track(ctx, t.ID)
	}, func() {})
	if err := failed(ctx, "names of the tracks", err); err != nil {
		return err
	}
	known := map[string]playlist.Track{}
	for _, t := range found(ctx, r, "names of tracks", b) {
		known[t.ID] = t
	}
	tracks := slices.Clone(r.list.Tracks)
	for i, t := range tracks {
		if t.Name == "" {
			tracks[i] = known[t.ID]
		}
	}
	r.list.Tracks = slices.DeleteFunc(tracks, func(t playlist.Track) bool { return t.Name == "" })
	if len(r.list.Tracks) == 0 {
		_, err := b.Values(ctx)
		return failed(ctx, "names of the tracks", fmt.Errorf("none is known: %w", err))
	}
	return nil
}

// count returns a number and a word, in the plural if needed.
func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
