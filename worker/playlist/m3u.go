package playlist

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// isM3U recognises M3U by its first line: the header #EXTM3U or the name of a music file.
func isM3U(p peek) bool {
	if strings.HasPrefix(p.line, "#EXT") {
		return true
	}
	switch strings.ToLower(path.Ext(p.line)) {
	case ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".wav", ".wma", ".aac", ".aif", ".aiff":
		return !strings.ContainsAny(p.line, "\t;,")
	}
	return false
}

// readM3U reads a list of files, each after a line with its artist and title. Without that line the name of the file is
// used. The files are on the disks of their owners. But unlike local files at Spotify they are named like tracks of the
// catalogue, so they become tracks without an id.
func readM3U(in *reader) error {
	var next row
	n := 0
	for line := range strings.Lines(in.text) {
		n++
		line = strings.TrimSpace(line)
		tag, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
		case tag == "#PLAYLIST":
			in.call(value)
		case tag == "#EXTINF":
			next = information(value)
		case tag == "#EXTALB":
			next.album = value
		case tag == "#EXTART":
			next.artists = []string{value}
		case strings.HasPrefix(line, "#"):
		default:
			next.line = n
			if k, _ := reference(line); k != foreign {
				next.ref, next.bare = line, next.name == ""
			} else if next.name == "" {
				next.name, next.artists = titled(fileName(line), next.artists)
			}
			if err := in.add(next); err != nil {
				return err
			}
			next = row{}
		}
	}
	return nil
}

// information reads #EXTINF about the next file: seconds, optional attributes, a comma, and a text.
func information(value string) (r row) {
	length, text, _ := strings.Cut(value, ",")
	length, _, _ = strings.Cut(strings.TrimSpace(length), " ")
	if seconds, err := strconv.ParseFloat(length, 64); err == nil && seconds > 0 && seconds < 1e6 {
		r.duration = time.Duration(seconds * float64(time.Second))
	}
	r.name, r.artists = titled(text, nil)
	return r
}

// titled splits "artist - title". A text without a dash is a title; the artist does not change.
func titled(text string, known []string) (title string, artists []string) {
	if artist, title, ok := strings.Cut(text, " - "); ok && strings.TrimSpace(artist) != "" && strings.TrimSpace(title) != "" {
		return title, []string{artist}
	}
	return text, known
}

// fileName returns the name of a file without its folders, its extension and its track number.
func fileName(file string) string {
	if plain, err := url.PathUnescape(file); err == nil && strings.Contains(file, "://") {
		file = plain
	}
	name := file[strings.LastIndexAny(file, `/\`)+1:]
	name = strings.TrimSuffix(name, path.Ext(name))
	if number, rest, ok := strings.Cut(name, " "); ok && len(number) <= 4 && strings.Trim(number, "0123456789-.") == "" && strings.TrimSpace(rest) != "" {
		return strings.TrimPrefix(strings.TrimSpace(rest), "- ")
	}
	return name
}
