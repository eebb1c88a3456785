package playlist

import "strings"

// layout is the positions of the columns of a table, each an index or -1.
type layout struct {
	at       [columns]int
	width    int  // columns of the heading, or of the first row
	headless bool // the first row is a track
	// How Exportify, of which there are two, separates artists: one by commas, and writes a backslash before a comma of
	// a name; the other by semicolons, and writes commas as they are.
	commas, semicolons bool
}

// complete reports whether these columns are enough to read tracks.
func (l layout) complete() bool {
	return l.at[refColumn] >= 0 || l.at[nameColumn] >= 0 && l.at[artistsColumn] >= 0
}

// layout finds the separator and the positions of the columns. The rows that it returns begin with the first track.
func (in *reader) layout() (*rows, layout, error) {
	text, line := in.text, 0
	blank := len(text) - len(strings.TrimLeft(text, " \t\r\n"))
	blank = strings.LastIndexByte(text[:blank], '\n') + 1
	text, line = text[blank:], strings.Count(text[:blank], "\n")

	seps := ",;\t|"
	if first, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "sep=") && len(strings.TrimSpace(first)) <= len("sep=;") { // Excel's own
		if first = strings.TrimRight(first[len("sep="):], "\r"); len(first) == 1 {
			seps = first
		}
		text, line = rest, line+1
	}
	var (
		best  layout
		table rows
		most  = -1
		fault error
	)
	for i := range len(seps) {
		t := rows{text: text, line: line, sep: seps[i]}
		l, score, err := t.columns()
		if err != nil {
			if fault == nil {
				fault = err
			}
			continue
		}
		if score > most {
			best, table, most = l, t, score
		}
	}
	switch {
	case most < recognised && fault != nil:
		return nil, best, fault
	case most < 0:
		return nil, best, refuse(ReasonEmpty, 0, exportAgain, "the input is a table of empty cells")
	}
	if !best.complete() {
		return nil, best, in.unknown(text, table.sep)
	}
	return &table, best, nil
}

// recognised is the score of a known column. It is more than the score of all unknown columns.
const recognised = 1_000

// columns reads the heading, if there is one. A higher score means that the text is more likely a table of tracks.
func (t *rows) columns() (l layout, score int, err error) {
	start := *t
	header, ok, err := t.next()
	if err != nil {
		return l, 0, err
	}
	if !ok {
		return l, -1, nil
	}
	l = located(header.fields)
	for _, f := range header.fields {
		if k, _ := reference(f); k == aTrack || k == anEpisode || k == aFile {
			l.headless = true
		}
	}
	after := *t
	if l.headless {
		*t, after = start, start
		for c := range l.at {
			l.at[c] = -1
		}
	}
	if l.headless || l.at[nameColumn] < 0 || l.at[refColumn] < 0 {
		var sample [][]string
		for len(sample) < sampled {
			r, ok, err := t.next()
			if err != nil || !ok {
				break // the same error is reported when the tracks are read
			}
			sample = append(sample, r.fields)
		}
		l.guess(sample)
	}
	*t = after
	known := 0
	for _, at := range l.at {
		if at >= 0 {
			known++
		}
	}
	return l, recognised*known + len(header.fields), nil
}

// unknown refuses a text in which no tracks are found, by its first line.
func (in *reader) unknown(text string, sep byte) error {
	t := rows{text: text, sep: sep}
	header, _, _ := t.next()
	line := strings.Count(in.text[:len(in.text)-len(text)], "\n") + header.line
	l := located(header.fields)
	missing := ""
	switch {
	case l.at[nameColumn] >= 0:
		missing = "with artists, nor with links to tracks"
	case l.at[artistsColumn] >= 0:
		missing = "with names of tracks, nor with links to them"
	case len(header.fields) < 2:
		return refuse(ReasonColumns, line, "send a CSV, JSON, an M3U, or links to tracks", "this looks like plain text: %s", Quoted(kept(header.field(0))))
	default:
		missing = "with links to tracks, nor with names and artists"
	}
	return refuse(ReasonColumns, line, `name the columns "Track URI", "Track Name" and "Artist Name(s)", or export the playlist with Exportify`,
		"this is a table, but no column %s is known among %s", missing, names(header.fields, len(header.fields)))
}
