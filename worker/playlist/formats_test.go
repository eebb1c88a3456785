package playlist_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/playlist"
)

// rendering writes tracks in a format, and returns what can be read of them.
type rendering func(t *rapid.T, tracks []playlist.Track) (text string, want []playlist.Track)

// only keeps some fields of tracks: those that a format has.
func only(tracks []playlist.Track, keep func(playlist.Track) playlist.Track) []playlist.Track {
	out := make([]playlist.Track, len(tracks))
	for i, track := range tracks {
		out[i] = keep(track)
	}
	return out
}

// plain has one artist, without a comma, for formats that do not define how they separate artists.
func plain(track playlist.Track) playlist.Track {
	track.Artists = []string{playlist.OneLine("x" + strings.ReplaceAll(track.Artists[0], ",", ""))}
	return track
}

func renderings() map[string]rendering {
	type object = map[string]any
	all := map[string]rendering{}
	for language, heading := range exportify() {
		all["Exportify "+language] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
			return tableOf(tracks, heading).shuffled(t).write(t), tracks
		}
	}
	all["Exportify in an unknown language"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		tracks = only(tracks, func(track playlist.Track) playlist.Track {
			track.Name, track.Album = "T "+track.Name, "L "+track.Album // looks like a text
			for i := range track.Artists {
				track.Artists[i] = "A" + track.Artists[i]
			}
			return track
		})
		var heading [7]string
		for i := range heading {
			heading[i] = fmt.Sprintf("Ж%d", i)
		}
		return tableOf(tracks, heading).write(t), tracks
	}
	all["Exportify with semicolons"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		s := sheet{heading: []string{"Track URI", "Track Name", "Album Name", "Artist Name(s)", "Release Date", "Duration (ms)"}}
		for _, track := range tracks {
			s.cells = append(s.cells, []string{track.URI(), track.Name, track.Album, strings.Join(track.Artists, ";"), track.Released, fmt.Sprint(track.Duration.Milliseconds())})
		}
		return s.shuffled(t).write(t), tracks
	}
	all["TuneMyMusic"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		want := only(tracks, func(track playlist.Track) playlist.Track {
			track = plain(track)
			return playlist.Track{ID: track.ID, Name: track.Name, Artists: track.Artists, Album: track.Album}
		})
		s := sheet{heading: []string{"Track name", "Artist name", "Album", "Playlist name", "Type", "ISRC", "Spotify - id"}}
		for _, track := range want {
			s.cells = append(s.cells, []string{track.Name, track.Artists[0], track.Album, "Drawn", "Playlist", "ZZX10000001", track.ID})
		}
		return s.shuffled(t).write(t), want
	}
	all["Soundiiz"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		want := only(tracks, func(track playlist.Track) playlist.Track {
			track = plain(track)
			track.Released = ""
			return track
		})
		s := sheet{heading: []string{"title", "artist", "album", "isrc", "duration", "url"}}
		for _, track := range want {
			s.cells = append(s.cells, []string{
				track.Name, track.Artists[0], track.Album, "ZZX10000001", fmt.Sprintf("%ds", int(track.Duration.Seconds())), "https://open.spotify.com/track/" + track.ID,
			})
		}
		return s.shuffled(t).write(t), want
	}
	write := func(t *rapid.T, v any) string {
		data, err := json.Marshal(v)
		if rapid.Bool().Draw(t, "indented") {
			data, err = json.MarshalIndent(v, "", "  ")
		}
		if err != nil {
			t.Fatal(err)
		}
		return encoded(t, string(data))
	}
	api := func(track playlist.Track) object {
		var artists []any
		for _, name := range track.Artists {
			artists = append(artists, object{"name": name, "type": "artist"})
		}
		return object{
			"id": track.ID, "uri": track.URI(), "name": track.Name, "type": "track", "artists": artists,
			"album": object{"name": track.Album, "release_date": track.Released}, "duration_ms": track.Duration.Milliseconds(), "is_local": false,
		}
	}
	list := func(tracks []playlist.Track, of func(playlist.Track) any) []any {
		var out []any
		for _, track := range tracks {
			out = append(out, of(track))
		}
		return out
	}
	page := func(items []any) object { return object{"href": "x", "items": items, "total": len(items), "next": nil} }
	held := func(key string) func(playlist.Track) any {
		return func(track playlist.Track) any { return object{"added_at": "x", "is_local": false, key: api(track)} }
	}
	bare := func(track playlist.Track) any { return api(track) }
	for name, make := range map[string]func(tracks []playlist.Track) any{
		"API of 2025": func(tracks []playlist.Track) any {
			return object{"name": "x", "tracks": page(list(tracks, held("track")))}
		},
		"API of 2026": func(tracks []playlist.Track) any {
			return object{"name": "x", "items": page(list(tracks, held("item")))}
		},
		"API page":       func(tracks []playlist.Track) any { return page(list(tracks, held("track"))) },
		"API top tracks": func(tracks []playlist.Track) any { return page(list(tracks, bare)) },
		"JSON list":      func(tracks []playlist.Track) any { return list(tracks, bare) },
		"spotDL": func(tracks []playlist.Track) any {
			return object{"type": "playlist", "songs": list(tracks, func(track playlist.Track) any {
				return object{
					"name": track.Name, "artists": track.Artists, "artist": track.Artists[0], "album_name": track.Album, "song_id": track.ID,
					"duration": track.Duration.Seconds(), "release_date": track.Released,
				}
			})}
		},
	} {
		all[name] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
			return write(t, make(tracks)), tracks
		}
	}
	account := func(track playlist.Track) playlist.Track {
		return playlist.Track{ID: track.ID, Name: track.Name, Artists: track.Artists[:1], Album: track.Album}
	}
	all["Playlist1.json"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		items := list(tracks, func(track playlist.Track) any {
			return object{"track": object{"trackName": track.Name, "artistName": track.Artists[0], "albumName": track.Album, "trackUri": track.URI()}, "episode": nil, "localTrack": nil}
		})
		return write(t, object{"playlists": []any{struct {
			Name  string `json:"name"`
			Items []any  `json:"items"`
		}{"Drawn", items}}}), only(tracks, account)
	}
	all["YourLibrary.json"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		items := list(tracks, func(track playlist.Track) any {
			return object{"track": track.Name, "artist": track.Artists[0], "album": track.Album, "uri": track.URI()}
		})
		return write(t, object{"tracks": items, "albums": []any{object{"album": "x"}}, "shows": []any{}}), only(tracks, account)
	}
	all["JSON lines"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		var b strings.Builder
		for _, track := range tracks {
			data, err := json.Marshal(api(track))
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(data, '\n'))
		}
		return encoded(t, b.String()), tracks
	}
	all["M3U"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		withID := rapid.Bool().Draw(t, "with ids")
		want := only(tracks, func(track playlist.Track) playlist.Track {
			artist := strings.ReplaceAll("x"+track.Artists[0], "-", "")
			return playlist.Track{ID: track.ID, Name: track.Name, Artists: []string{playlist.OneLine(artist)}, Duration: track.Duration}
		})
		text := "#EXTM3U\n"
		for i, track := range want {
			text += fmt.Sprintf("#EXTINF:%d,%s - %s\n", int(track.Duration.Seconds()), track.Artists[0], track.Name)
			if withID {
				text += track.URI() + "\n"
				continue
			}
			text += fmt.Sprintf("Music/%d.mp3\n", i)
			want[i].ID = ""
		}
		return encoded(t, text), want
	}
	all["links"] = func(t *rapid.T, tracks []playlist.Track) (string, []playlist.Track) {
		text := ""
		for _, track := range tracks {
			text += rapid.SampledFrom([]string{"spotify:track:", "https://open.spotify.com/track/", "open.spotify.com/intl-de/track/", ""}).Draw(t, "form") + track.ID + "\n"
		}
		return encoded(t, text), only(tracks, func(track playlist.Track) playlist.Track { return playlist.Track{ID: track.ID} })
	}
	return all
}

// TestEveryFormat writes tracks in every format and reads the same tracks, with any names and any order of the columns.
func TestEveryFormat(t *testing.T) {
	for name, render := range renderings() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text, want := render(t, anyTracks().Draw(t, "tracks"))
				got, err := playlist.Parse(strings.NewReader(text))
				if err != nil {
					t.Fatalf("error %v in %q", err, text)
				}
				check(t, got)
				got.Name, got.Format = "", ""
				same(t, fmt.Sprintf("of %q", text), playlist.Playlist{Tracks: want}, got)
			})
		})
	}
}
