package playlist

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// readTable reads rows of columns separated by commas, semicolons or tabs: first to see what its columns are, then its tracks. No row is
// kept in between, so that a long table takes no more memory than its tracks.
func readTable(in *reader) error {
	t, l, err := in.layout()
	if err != nil {
		return err
	}
	start := *t
	c := credits{semicolons: l.semicolons, commas: l.commas}
	for ok := l.at[artistsColumn] >= 0; ok; {
		var r record
		if r, ok, err = t.next(); err != nil {
			return err
		}
		c.see(r.field(l.at[artistsColumn]))
	}
	*t = start
	for {
		r, ok, err := t.next()
		if err != nil || !ok {
			return err
		}
		if r.cut && len(r.fields) < l.width && len(r.fields) <= l.last() {
			return refuse(ReasonTruncated, r.line, exportAgain, "the row has %d of %d columns, its end is missing", len(r.fields), l.width)
		}
		if err := in.add(r.row(l, &c)); err != nil {
			return err
		}
	}
}

// last is the index of the last column that is needed.
func (l layout) last() int { return max(l.at[refColumn], l.at[nameColumn], l.at[artistsColumn]) }

// field is the value of a column, and empty where the row or the table does not have it.
func (r record) field(at int) string {
	if at < 0 || at >= len(r.fields) {
		return ""
	}
	return r.fields[at]
}

func (r record) row(l layout, c *credits) row {
	is := func(column int) string { return r.field(l.at[column]) }
	out := row{
		line: r.line, list: is(listColumn), ref: is(refColumn), name: is(nameColumn), album: is(albumColumn), released: is(releasedColumn),
		artists: c.split(is(artistsColumn), is(artistRefsColumn)), bare: l.at[nameColumn] < 0,
	}
	if k, _ := reference(out.ref); k == foreign && out.bare {
		out.why = WhyDamaged
	}
	if r.wide || !(record{fields: r.fields[min(len(r.fields), l.width):]}).blank() {
		out.why = WhyDamaged // a separator in a text that is not quoted, perhaps: which is the title cannot be known
	}
	switch strings.ToLower(is(typeColumn)) {
	case "episode", "podcast", "show", "audiobook":
		out.why = WhyEpisode
	case "album", "artist":
		out.why = WhyOther
	}
	if ms := is(msColumn); ms != "" {
		out.duration = duration(ms, time.Millisecond)
	} else {
		out.duration = duration(is(durationColumn), time.Second)
	}
	return out
}

// duration reads a number of a unit, a number of seconds such as "200s", or hours, minutes and seconds such as "3:20". What cannot be read is 0.
func duration(s string, unit time.Duration) time.Duration {
	s = strings.TrimSpace(s)
	if seconds, ok := strings.CutSuffix(s, "s"); ok {
		s, unit = seconds, time.Second
	}
	if strings.Contains(s, ":") {
		total := 0
		for part := range strings.SplitSeq(s, ":") {
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n > 1_000 {
				return 0
			}
			total = 60*total + n
		}
		return time.Duration(min(total, 1e6)) * time.Second
	}
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil, math.IsNaN(n), n <= 0, n >= 1e9:
		return 0
	case unit == time.Second && n >= 10_000: // ten thousand seconds are no song
		unit = time.Millisecond
	}
	return time.Duration(n * float64(unit)).Round(time.Millisecond)
}

// layout finds out what separates the columns and where they are. The rows that it returns begin with the first track.
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

// recognised is the score of a column that is known. It is more than all columns that are not.
const recognised = 1_000

// columns reads the heading, where there is one. The score is higher, the more of a table of tracks this is.
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
				break // it is met again, and reported, when the tracks are read
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
