package playlist

import (
	"bytes"
	"encoding/json"
	"time"
)

// entry is an element of a list of tracks: a track, an object with a track, a text that refers to a track, or null. No
// value of an entry is an error, because programs differ in the fields that are not read here.
type entry struct {
	song
	inner *song // the track in the entry
	said  text  // the entry is a text
	why   Why   // the entry is something else
}

// song is a track as Spotify's API, a Spotify account's download, spotDL or a person writes it.
type song struct {
	URI        text `json:"uri"`
	TrackURI   text `json:"trackUri"`
	TrackURI2  text `json:"track_uri"`
	SpotifyURI text `json:"spotify_uri"`
	URL        text `json:"url"`
	ID         text `json:"id"`
	SpotifyID  text `json:"spotify_id"`
	SongID     text `json:"song_id"`
	TrackID    text `json:"track_id"`

	Name       *text `json:"name"`
	TrackName  *text `json:"trackName"`
	TrackName2 *text `json:"track_name"`
	Title      *text `json:"title"`

	Artists     people `json:"artists"`
	Artist      people `json:"artist"`
	ArtistName  people `json:"artistName"`
	ArtistName2 people `json:"artist_name"`

	Album      named `json:"album"`
	AlbumName  text  `json:"albumName"`
	AlbumName2 text  `json:"album_name"`
	Released   text  `json:"release_date"`
	MS         text  `json:"duration_ms"`
	Duration   text  `json:"duration"` // in seconds
	Type       text  `json:"type"`
	Local      text  `json:"is_local"`
}

// holding is the fields that an entry may have instead of fields of a track.
type holding struct {
	Item       json.RawMessage `json:"item"`  // of Spotify's API since 2026
	Track      json.RawMessage `json:"track"` // of Spotify's API before, and of an account's download; there also a name
	Episode    json.RawMessage `json:"episode"`
	Audiobook  json.RawMessage `json:"audiobook"`
	LocalTrack json.RawMessage `json:"localTrack"`
}

// UnmarshalJSON is part of [json.Unmarshaler].
func (e *entry) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '{':
	case '"':
		return json.Unmarshal(data, &e.said)
	case 'n':
		e.why = WhyWithdrawn
		return nil
	default:
		e.why = WhyDamaged
		return nil
	}
	var h holding
	if err := json.Unmarshal(data, &h); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &e.song); err != nil {
		return err
	}
	for _, held := range []json.RawMessage{h.Item, h.Track} {
		if e.inner == nil && len(held) > 0 && held[0] == '{' {
			e.inner = &song{}
			if err := json.Unmarshal(held, e.inner); err != nil {
				return err
			}
		}
	}
	some := func(held json.RawMessage) bool { return len(held) > 0 && held[0] != 'n' }
	switch {
	case e.Local == "true" || some(h.LocalTrack):
		e.why = WhyLocal
	case e.inner != nil:
	case len(h.Track) > 0 && h.Track[0] == '"':
		return json.Unmarshal(h.Track, &e.Name)
	case some(h.Audiobook), some(h.Episode) && h.Episode[0] != 't' && h.Episode[0] != 'f': // Spotify's API has a truth value there
		e.why = WhyEpisode
	case (h.Item != nil || h.Track != nil) && e.song.ref() == "":
		e.why = WhyWithdrawn
	}
	return nil
}

func (e *entry) ref() string {
	if e.inner != nil {
		return e.inner.ref()
	}
	return e.song.ref()
}

// row makes a row of an entry.
func (e *entry) row(line int) row {
	s := &e.song
	if e.inner != nil {
		s = e.inner
	}
	r := s.row()
	r.line = line
	if e.said != "" {
		r.ref, r.bare = string(e.said), true
		if k, _ := reference(r.ref); k == foreign {
			r.why = WhyDamaged
		}
	}
	if e.why != "" {
		r.why = e.why
	}
	return r
}

// ref is the field that refers to something of Spotify's, else any that refers to anything.
func (s *song) ref() string {
	other := ""
	for _, ref := range []text{s.URI, s.TrackURI, s.TrackURI2, s.SpotifyURI, s.URL, s.ID, s.SpotifyID, s.SongID, s.TrackID} {
		switch k, _ := reference(string(ref)); k {
		case nothing:
		case foreign:
			other = string(ref)
		default:
			return string(ref)
		}
	}
	return other
}

func (s *song) row() row {
	r := row{ref: s.ref(), released: string(s.Released), bare: true}
	for _, name := range []*text{s.Name, s.TrackName, s.TrackName2, s.Title} {
		if name != nil {
			r.bare = false
			if r.name == "" {
				r.name = string(*name)
			}
		}
	}
	for _, artists := range []people{s.Artists, s.Artist, s.ArtistName, s.ArtistName2} {
		if len(r.artists) == 0 {
			r.artists = artists
		}
	}
	for _, album := range []text{s.Album.Name, s.AlbumName, s.AlbumName2} {
		if r.album == "" {
			r.album = string(album)
		}
	}
	if r.released == "" {
		r.released = string(s.Album.Released)
	}
	if r.duration = duration(string(s.MS), time.Millisecond); r.duration == 0 {
		r.duration = duration(string(s.Duration), time.Second)
	}
	switch {
	case s.Local == "true":
		r.why = WhyLocal
	case s.Type == "episode":
		r.why = WhyEpisode
	}
	return r
}

// text is a text, a number or a truth value as written, and empty for other values.
type text string

// UnmarshalJSON is part of [json.Unmarshaler].
func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(t))
	case '{', '[', 'n':
		*t = ""
	default:
		*t = text(data[:min(len(data), MaxText)])
	}
	return nil
}

// named is a name, bare or inside an object.
type named struct {
	Name     text `json:"name"`
	Released text `json:"release_date"` // of an album
}

// UnmarshalJSON is part of [json.Unmarshaler].
func (n *named) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return n.Name.UnmarshalJSON(data)
	}
	type plain named // without this method
	return json.Unmarshal(data, (*plain)(n))
}

// people are artists: a list of names, or one name. A list is read as far as a track may have artists, and one more.
type people []string

// UnmarshalJSON is part of [json.Unmarshaler].
func (p *people) UnmarshalJSON(data []byte) error {
	*p = nil
	if data[0] != '[' {
		var one named
		if err := one.UnmarshalJSON(data); err != nil {
			return err
		}
		if one.Name != "" {
			*p = people{string(one.Name)}
		}
		return nil
	}
	in := json.NewDecoder(bytes.NewReader(data))
	if _, err := in.Token(); err != nil {
		return err
	}
	for in.More() && len(*p) <= maxArtists {
		var one named
		if err := in.Decode(&one); err != nil {
			return err
		}
		*p = append(*p, string(one.Name))
	}
	return nil
}
