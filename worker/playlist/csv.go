package playlist

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// readTable reads rows of columns separated by commas, semicolons or tabs: first to see what its columns are, then its
// tracks. No row is kept in between, so that a long table takes no more memory than its tracks.
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

// last returns the index of the last needed column.
func (l layout) last() int { return max(l.at[refColumn], l.at[nameColumn], l.at[artistsColumn]) }

// field returns the value of a column, empty if the row or the table does not have the column.
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
		out.why = WhyDamaged // perhaps a separator in an unquoted text: the title is unknown
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

// duration reads a number of a unit, a number of seconds such as "200s", or hours, minutes and seconds such as "3:20".
// An unreadable duration is 0.
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
