package analysis

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// enrichment is what is asked about the tracks and artists of a playlist, and what was answered. Each ask method
// writes fields of its own, so that they can run side by side.
type enrichment struct {
	withID   []playlist.Track // Spotify knows them
	credited []playlist.Track // Last.fm can find them: they have an artist
	artists  []string         // at most maxArtistLookups, those on most tracks first

	features       []providers.Features
	failedFeatures []error
	denied         bool

	trackInfos   []providers.TrackInfo
	failedTracks []error

	artistInfos   []providers.ArtistInfo
	failedArtists []error
}

func newEnrichment(p playlist.Playlist) *enrichment {
	artists := artistsOf(p)
	e := &enrichment{artists: artists[:min(len(artists), maxArtistLookups)]}
	for _, t := range p.Tracks {
		if t.ID != "" {
			e.withID = append(e.withID, t)
		}
		if artist(t) != "" {
			e.credited = append(e.credited, t)
		}
	}
	return e
}

// artist is who Last.fm files a track under: the first of the credits.
func artist(t playlist.Track) string {
	if len(t.Artists) == 0 {
		return ""
	}
	return t.Artists[0]
}

func (e *enrichment) total() int { return len(e.withID) + len(e.credited) + len(e.artists) }

// errDenied ends the batch of audio features after the first denial: the provider means all of them.
var errDenied = errors.New("audio features are denied")

func (e *enrichment) askFeatures(ctx context.Context, r *run, ended func()) error {
	r.events <- event{phase: PhaseFeatures, text: "Listening to the tracks."}
	tasks := make([]orchestrator.Task[providers.Features], len(e.withID))
	var denied atomic.Bool // no further task asks, before the batch has heard of it
	for i, t := range e.withID {
		tasks[i] = func(ctx context.Context) (providers.Features, error) {
			if denied.Load() {
				return providers.Features{}, errDenied
			}
			f, err := r.clients.Spotify.AudioFeatures(ctx, t.ID)
			if isDenial(err) {
				denied.Store(true)
			}
			return f, err
		}
	}
	out, err := many(ctx, r, step{PhaseFeatures, providers.APISpotify, "spotify.audio-features"}, tasks, func(err error) error {
		ended()
		if isDenial(err) || errors.Is(err, errDenied) {
			e.denied = true
			return errDenied
		}
		return nil
	})
	e.features, e.failedFeatures = values(out)
	return err
}

func isDenial(err error) bool {
	answer, ok := errors.AsType[*providers.APIError](err)
	return ok && answer.Status == http.StatusForbidden
}

func (e *enrichment) askTracks(ctx context.Context, r *run, ended func()) error {
	r.events <- event{phase: PhaseTracks, text: "Asking Last.fm about the tracks."}
	tasks := make([]orchestrator.Task[providers.TrackInfo], len(e.credited))
	for i, t := range e.credited {
		tasks[i] = func(ctx context.Context) (providers.TrackInfo, error) {
			return r.clients.LastFM.TrackInfo(ctx, artist(t), t.Name)
		}
	}
	out, err := many(ctx, r, step{PhaseTracks, providers.APILastFM, "lastfm.track"}, tasks, func(error) error { ended(); return nil })
	e.trackInfos, e.failedTracks = values(out)
	return err
}

func (e *enrichment) askArtists(ctx context.Context, r *run, ended func()) error {
	r.events <- event{phase: PhaseArtists, text: "Asking Last.fm about the artists."}
	tasks := make([]orchestrator.Task[providers.ArtistInfo], len(e.artists))
	for i, name := range e.artists {
		tasks[i] = func(ctx context.Context) (providers.ArtistInfo, error) { return r.clients.LastFM.ArtistInfo(ctx, name) }
	}
	out, err := many(ctx, r, step{PhaseArtists, providers.APILastFM, "lastfm.artist"}, tasks, func(error) error { ended(); return nil })
	e.artistInfos, e.failedArtists = values(out)
	return err
}
