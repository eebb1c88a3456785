package playlist

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

func isJSON(p peek) bool { return strings.HasPrefix(p.head, "{") || strings.HasPrefix(p.head, "[") }

// jsonReader walks the tokens instead of decoding the whole, so that an error knows its line and a list that is too
// long is refused before it is in memory.
type jsonReader struct {
	*json.Decoder
	*reader
	found bool // a list of tracks

	at   int64 // an offset before the present one
	line int   // its line
}

// holder is an object that contains tracks, or objects with tracks.
type holder struct {
	depth int
	list  string // the name of one playlist of several
	total int    // how many tracks it states
	read  int    // how many it has
	keys  []string
	count int // of keys
}

// readJSON reads an object or a list. Lists of tracks are where Spotify's API, a Spotify account's download and spotDL
// have them: under "tracks", "items" or "songs", there or in an object under one of these keys, in each of the
// "playlists", or alone.
func readJSON(in *reader) error {
	r := &jsonReader{Decoder: json.NewDecoder(strings.NewReader(in.text)), reader: in, line: 1}
	first, err := r.Token()
	if err != nil {
		return r.broken(err)
	}
	var top holder
	if first == json.Delim('[') {
		err = r.entries(&top)
	} else {
		err = r.object(&top)
	}
	if err != nil {
		return err
	}
	if _, end := r.Token(); !errors.Is(end, io.EOF) {
		return refuse(ReasonMalformed, r.next(), "remove the text behind it", "something follows the playlist")
	}
	if r.found {
		return nil
	}
	var one entry // or a single line of JSON lines
	if err := json.Unmarshal([]byte(in.text), &one); err == nil && one.ref() != "" {
		return in.add(one.row(1))
	}
	return refuse(ReasonColumns, 0, `give the tracks as a list under "tracks"`, "this is JSON without a list of tracks, and its keys are %s", names(top.keys, top.count))
}

const maxKey = 4 << 10 // bytes of a key and its quotes

// object reads an object whose opening brace has been read.
func (in *jsonReader) object(h *holder) error {
	for in.More() {
		if rest := in.rest(); len(rest) > maxKey && strings.IndexByte(rest[1:maxKey], '"') < 0 {
			return refuse(ReasonMalformed, in.next(), exportAgain, "a key has more than %d bytes", maxKey)
		}
		token, err := in.Token()
		if err != nil {
			return in.broken(err)
		}
		name, _ := token.(string)
		if h.count++; len(h.keys) < maxListed {
			h.keys = append(h.keys, Clip(name, 100))
		}
		switch name {
		case "name":
			var s text
			if err = in.decode(&s); h.list != "" {
				h.list = string(s)
			} else if h.depth == 0 {
				in.call(string(s))
			}
		case "total":
			var n text
			err = in.decode(&n)
			h.total, _ = strconv.Atoi(string(n))
		case "tracks", "items", "songs":
			err = in.under(h)
		case "playlists":
			err = in.playlists(h)
		default:
			err = in.skip()
		}
		if err != nil {
			return err
		}
	}
	in.found = in.found || h.read > 0
	if h.total > h.read && h.read > 0 {
		in.list.Notes = append(in.list.Notes, strconv.Itoa(h.read)+" of "+strconv.Itoa(h.total)+" tracks are in the input: it is one page of several of Spotify's answer")
	}
	return in.close()
}

// under reads a list of tracks, or an object that holds one.
func (in *jsonReader) under(h *holder) error {
	opening := in.opening()
	if opening == '[' || opening == '{' && h.depth < 2 {
		if _, err := in.Token(); err != nil {
			return in.broken(err)
		}
		if opening == '[' {
			return in.entries(h)
		}
		return in.object(&holder{depth: h.depth + 1, list: h.list})
	}
	return in.skip()
}

// playlists reads a list of playlists, each with its name before its tracks.
func (in *jsonReader) playlists(h *holder) error {
	if h.depth > 0 || in.opening() != '[' {
		return in.skip()
	}
	if _, err := in.Token(); err != nil {
		return in.broken(err)
	}
	for n := 1; in.More(); n++ {
		if in.opening() != '{' {
			if err := in.skip(); err != nil {
				return err
			}
			continue
		}
		if _, err := in.Token(); err != nil {
			return in.broken(err)
		}
		in.found = true
		if err := in.object(&holder{depth: 1, list: "playlist " + strconv.Itoa(n)}); err != nil {
			return err
		}
	}
	return in.close()
}

// entries reads a list whose opening bracket has been read.
func (in *jsonReader) entries(h *holder) error {
	in.found = true
	for in.More() {
		line := in.next()
		var e entry
		if err := in.decode(&e); err != nil {
			return err
		}
		r := e.row(line)
		r.list = h.list
		h.read++
		if err := in.add(r); err != nil {
			return err
		}
	}
	return in.close()
}

// opening returns the first byte of the next value, or 0 at the end.
func (in *jsonReader) opening() byte {
	if rest := in.rest(); rest != "" {
		return rest[0]
	}
	return 0
}

// rest returns the text from the next value on.
func (in *jsonReader) rest() string { return strings.TrimLeft(in.text[in.InputOffset():], " \t\r\n,:") }

// next returns the line of the next value.
func (in *jsonReader) next() int {
	at := int64(len(in.text) - len(in.rest()))
	in.line += strings.Count(in.text[in.at:at], "\n")
	in.at = at
	return in.line
}

// close reads a closing bracket or brace.
func (in *jsonReader) close() error {
	_, err := in.Token()
	return in.broken(err)
}

func (in *jsonReader) decode(into any) error { return in.broken(in.Decode(into)) }

func (in *jsonReader) skip() error {
	var skipped ignored
	return in.decode(&skipped)
}

// ignored is a value that is not kept.
type ignored struct{}

func (*ignored) UnmarshalJSON([]byte) error { return nil }

// broken returns a refusal for an error of the decoder, nil for nil.
func (in *jsonReader) broken(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(ReasonTruncated, lineAt(in.text, int64(len(in.text))), exportAgain, "the JSON ends in the middle, the file is cut off")
	default:
		return refuse(ReasonMalformed, in.next(), "correct it, or "+exportAgain, "this is not JSON")
	}
}
