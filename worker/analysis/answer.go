package analysis

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/weir-go/weir/worker/playlist"
)

const (
	minSearches = 5
	maxSearches = 10

	maxAnswerText = 64 << 10 // bytes of a model's answer that are read
	maxBraces     = 64       // positions that are tried
)

// objectIn finds the JSON object with a key in a model's answer, which may wrap it in prose or in a fence of code.
// It returns nil if there is none.
func objectIn(text, key string) map[string]json.RawMessage {
	text = text[:min(len(text), maxAnswerText)]
	for range maxBraces {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			return nil
		}
		var object map[string]json.RawMessage
		// A decoder and not Unmarshal, because text may follow the object.
		if json.NewDecoder(strings.NewReader(text[at:])).Decode(&object) == nil && object[key] != nil {
			return object
		}
		text = text[at+1:]
	}
	return nil
}

// searchesIn returns the searches that a model proposes, at most 10, each once.
func searchesIn(text string) []string {
	var proposed []json.RawMessage
	if json.Unmarshal(objectIn(text, "searches")["searches"], &proposed) != nil {
		return nil
	}
	var s searches
	for _, raw := range proposed {
		var query string
		var object struct {
			Query string `json:"query"`
		}
		if json.Unmarshal(raw, &query) != nil && json.Unmarshal(raw, &object) == nil {
			query = object.Query
		}
		s.add(query)
	}
	return s
}

// searches are different queries, at most maxSearches.
type searches []string

func (s *searches) add(query string) {
	query = playlist.Clip(playlist.OneLine(query), 100)
	known := slices.ContainsFunc(*s, func(other string) bool { return strings.EqualFold(other, query) })
	if query != "" && !known && len(*s) < maxSearches {
		*s = append(*s, query)
	}
}

// fillUp adds searches made of a playlist until there are 5. Any playlist has a track with a name, which is enough for
// 5.
func (s *searches) fillUp(p playlist.Playlist, artists []string) {
	var more []string
	more = append(more, artists...)
	for _, t := range p.Tracks[:min(len(p.Tracks), minSearches)] {
		more = append(more, t.Name+" "+artist(t), t.Album, t.Name)
	}
	for _, kind := range []string{" live", " acoustic", " cover", " remix"} {
		more = append(more, playlist.Clip(p.Tracks[0].Name, 80)+kind)
	}
	for _, query := range more {
		if len(*s) >= minSearches {
			return
		}
		s.add(query)
	}
}

// verdictIn returns the title and the summary of a model's answer. If the answer is prose, the prose is the summary.
func verdictIn(text, of string) (title, summary string) {
	object := objectIn(text, "summary")
	_ = json.Unmarshal(object["title"], &title) // a value that is no string stays empty, and gets a default below
	_ = json.Unmarshal(object["summary"], &summary)
	title, summary = playlist.Clip(playlist.OneLine(title), 100), playlist.Clip(playlist.OneLine(summary), 2000)
	if summary == "" {
		summary = playlist.Clip(playlist.OneLine(text[:min(len(text), maxAnswerText)]), 2000)
	}
	if title == "" {
		title = playlist.Clip("More of "+of, 100)
	}
	return title, summary
}
