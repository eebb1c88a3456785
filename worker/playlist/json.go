package playlist

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
)

// jsonTrack is a track of a JSON playlist. Both what Spotify's API returns and what a person writes by hand fit.
type jsonTrack struct {
	ID       string  `json:"id"`
	URI      string  `json:"uri"`
	Name     string  `json:"name"`
	Artists  []named `json:"artists"`
	Album    named   `json:"album"`
	Released string  `json:"release_date"`
	MS       int64   `json:"duration_ms"`
}

// named is a name, bare or inside an object.
type named struct {
	Name     string `json:"name"`
	Released string `json:"release_date"` // of an album
}

func (n *named) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &n.Name)
	}
	type plain named // without this method
	return json.Unmarshal(data, (*plain)(n))
}

func (t jsonTrack) row() row {
	r := row{uri: t.URI, name: t.Name, album: t.Album.Name, released: t.Released, ms: t.MS}
	if r.uri == "" {
		r.uri = t.ID
	}
	if r.released == "" {
		r.released = t.Album.Released
	}
	for _, a := range t.Artists {
		r.artists = append(r.artists, a.Name)
	}
	return r
}

// jsonReader walks the tokens instead of decoding the whole, so that an error knows its line and a list that is too
// long is refused before it is in memory.
type jsonReader struct {
	*json.Decoder
	data []byte
}

func parseJSON(data []byte) (Playlist, error) {
	in := jsonReader{json.NewDecoder(bytes.NewReader(data)), data}
	var p Playlist
	err := in.playlist(&p)
	if err == nil {
		if _, end := in.Token(); !errors.Is(end, io.EOF) {
			err = refuse(ReasonMalformed, in.line(), "remove it", "something follows the playlist")
		}
	}
	return p, err
}

// line is that of the next value: a decoder stands behind the last one.
func (in jsonReader) line() int {
	at := in.InputOffset()
	rest := in.data[at:]
	return lineAt(in.data, at+int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,:"))))
}

func (in jsonReader) playlist(p *Playlist) error {
	first, err := in.Token()
	if err != nil {
		return in.broken(err)
	}
	if first == json.Delim('[') {
		return in.tracks(p)
	}
	found := false
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return in.broken(err)
		}
		switch key {
		case "name":
			err = in.decode(&p.Name)
			p.Name = Clip(OneLine(p.Name), MaxText)
		case "tracks":
			found = true
			line := in.line()
			open, terr := in.Token()
			if terr == nil && open != json.Delim('[') {
				return refuse(ReasonColumns, line, "make it a list of tracks", `"tracks" is not a list`)
			}
			if err = in.broken(terr); err == nil {
				err = in.tracks(p)
			}
		default:
			var skipped json.RawMessage
			err = in.decode(&skipped)
		}
		if err != nil {
			return err
		}
	}
	if err := in.closing(); err != nil {
		return err
	}
	if !found {
		return refuse(ReasonColumns, 0, `give the tracks as a list under "tracks"`, `the playlist has no "tracks"`)
	}
	return nil
}

// tracks reads the list whose opening bracket has been read.
func (in jsonReader) tracks(p *Playlist) error {
	for in.More() {
		line := in.line()
		var t jsonTrack
		if err := in.decode(&t); err != nil {
			return err
		}
		if err := p.add(t.row(), line); err != nil {
			return err
		}
	}
	return in.closing()
}

// closing reads a closing bracket or brace.
func (in jsonReader) closing() error {
	_, err := in.Token()
	return in.broken(err)
}

func (in jsonReader) decode(into any) error {
	line := in.line()
	err := in.Decode(into)
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		mend := "make it a JSON " + kindName(bad.Type.Kind())
		if bad.Field == "" {
			return refuse(ReasonMalformed, line, mend, "a value is a JSON %s", bad.Value)
		}
		return refuse(ReasonMalformed, line, mend, "%s is a JSON %s", Quoted(bad.Field), bad.Value)
	}
	return in.broken(err)
}

// broken makes a refusal of an error of the decoder, and nil of nil.
func (in jsonReader) broken(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(ReasonTruncated, lineAt(in.data, int64(len(in.data))), exportAgain, "the JSON ends in the middle, the file is cut off")
	default:
		return refuse(ReasonMalformed, in.line(), "correct it, or "+exportAgain, "this is not JSON")
	}
}

// kindName is what JSON calls the Go kinds that occur in a playlist.
func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "list"
	case reflect.Int64:
		return "whole number"
	default:
		return "object"
	}
}
