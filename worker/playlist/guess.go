package playlist

import (
	"strconv"
	"strings"
)

const sampled = 50 // rows that are read

// guess finds columns by their values if their headings are unknown. It does so only in tables with references to
// tracks, because other tables may be about anything. Exports have the same order: the name, the artists, the album.
func (l *layout) guess(rows [][]string) {
	like := make([]looks, l.width)
	for _, fields := range rows {
		for i := range min(len(fields), l.width) {
			like[i].see(strings.TrimSpace(fields[i]))
		}
	}
	if at := l.at[refColumn]; at < 0 || !like[at].mostly(like[at].refs) {
		found := -1
		for i := range like {
			if like[i].mostly(like[i].refs) && (found < 0 || like[i].refs > like[found].refs) {
				found = i
			}
		}
		if found < 0 {
			return
		}
		l.at[refColumn] = found
	}
	taken := map[int]bool{}
	for _, at := range l.at {
		taken[at] = true
	}
	take := func(c int, fits func(looks) bool) {
		for i := range like {
			if l.at[c] < 0 && !taken[i] && fits(like[i]) {
				l.at[c], taken[i] = i, true
			}
		}
	}
	take(artistRefsColumn, func(k looks) bool { return k.mostly(k.artists) })
	text := func(k looks) bool { return k.mostly(k.texts) }
	// The name of a thing is the column after its reference.
	after := func(c int, what func(looks) bool) {
		for i := range len(like) - 1 {
			if what(like[i]) && l.at[c] < 0 && !taken[i+1] && text(like[i+1]) {
				l.at[c], taken[i+1] = i+1, true
			}
		}
	}
	after(artistsColumn, func(k looks) bool { return k.mostly(k.artists) })
	after(albumColumn, func(k looks) bool { return k.mostly(k.albums) })
	take(nameColumn, text)
	take(artistsColumn, text)
	take(albumColumn, text)
	take(releasedColumn, func(k looks) bool { return k.mostly(k.dates) })
	if l.at[durationColumn] < 0 {
		take(msColumn, func(k looks) bool { return k.mostly(k.times) })
	}
}

// looks counts what the values of a column look like.
type looks struct{ filled, refs, artists, albums, dates, times, texts int }

func (k *looks) see(value string) {
	if value == "" {
		return
	}
	k.filled++
	if len(value) > maxReference {
		k.texts++
		return
	}
	lower := strings.ToLower(value)
	switch ref, _ := reference(value); {
	case ref == aTrack || ref == aFile || ref == anEpisode:
		k.refs++
		return
	case strings.HasPrefix(lower, "spotify:artist:"):
		k.artists++
		return
	case strings.HasPrefix(lower, "spotify:album:"):
		k.albums++
		return
	case ref != foreign || strings.HasPrefix(lower, "http") && strings.Contains(value, "://"):
		return
	}
	number, err := strconv.ParseFloat(value, 64)
	switch {
	case isDate(value):
		k.dates++
	case err == nil && number >= 30_000 && number <= 36_000_000:
		k.times++
	case err == nil, lower == "true", lower == "false", len(value) >= 10 && isDate(value[:10]):
	default:
		k.texts++
	}
}

// mostly reports whether n are more than half of the values.
func (k looks) mostly(n int) bool { return 2*n > k.filled }

// isDate recognises a year, a month or a day, as Spotify writes them.
func isDate(s string) bool {
	if len(s) > len("2006-01-02") {
		return false
	}
	for i, part := range strings.Split(s, "-") {
		if n, err := strconv.Atoi(part); err != nil || i > 2 || i == 0 && (len(part) != 4 || n < 1850 || n > 2100) || i > 0 && len(part) != 2 {
			return false
		}
	}
	return true
}
