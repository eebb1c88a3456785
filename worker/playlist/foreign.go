package playlist

import (
	"bytes"
	"strings"
)

// other is a format that is no playlist, or that Parse does not read.
func other(name, fix string, is func(peek) bool) format {
	return format{name, is, func(*reader) error { return refuse(ReasonForeign, 0, fix, "this is %s", name) }}
}

// begins recognises bytes at the beginning of an input, of which any suffice.
func begins(with ...string) func(peek) bool {
	return func(p peek) bool {
		for _, w := range with {
			if bytes.HasPrefix(p.raw, []byte(w)) {
				return true
			}
		}
		return false
	}
}

// binaries are formats other than text.
func binaries() []format {
	const saveCSV = `save it as CSV and send that: in Excel, "CSV UTF-8"`
	zipped := func(holds string) func(peek) bool {
		return func(p peek) bool { return begins("PK\x03\x04")(p) && bytes.Contains(p.raw, []byte(holds)) }
	}
	return []format{
		other("an Excel workbook", saveCSV, zipped("[Content_Types].xml")),
		other("an OpenDocument spreadsheet", saveCSV, zipped("mimetypeapplication/vnd.oasis.opendocument")),
		other("a zip archive", "unpack it and send one of the files in it", begins("PK\x03\x04", "PK\x05\x06")),
		other("a gzip file", "unpack it and send its content", begins("\x1f\x8b")),
		other("an archive", "unpack it and send one of the files in it", begins("7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "\xfd7zXZ\x00", "BZh", "\x28\xb5\x2f\xfd")),
		other("an Excel workbook of an old version", saveCSV, begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
		other("a PDF", "export the playlist as CSV", begins("%PDF-")),
		other("a picture", "export the playlist as CSV", begins("\x89PNG", "\xff\xd8\xff", "GIF8")),
		other("an audio file", "send a list of tracks, such as an M3U or a CSV", begins("ID3", "fLaC", "OggS", "RIFF", "\xff\xfb")),
		other("a database of SQLite", "export the playlist as CSV", begins("SQLite format 3\x00")),
	}
}

// documents are text formats that are no lists of tracks.
func documents() []format {
	head := func(with ...string) func(peek) bool {
		return func(p peek) bool {
			for _, w := range with {
				if len(p.head) >= len(w) && strings.EqualFold(p.head[:len(w)], w) {
					return true
				}
			}
			return false
		}
	}
	xml := func(holds string) func(peek) bool {
		return func(p peek) bool {
			return strings.HasPrefix(p.head, "<") && strings.Contains(strings.ToLower(p.head), holds)
		}
	}
	return []format{
		other("a web page", "export the playlist, for example with Exportify, and send that file", head("<!doctype html", "<html", "<head", "<body")),
		other("a library of iTunes", `in Music, export the playlist as "Plain Text" and send that file`, xml("<plist")),
		other("a playlist in XSPF", "save it as M3U or CSV", xml("xspf")),
		other("a playlist of Windows Media Player", "save it as M3U", xml("<smil")),
		other("XML", "export the playlist as CSV or JSON", func(p peek) bool { return strings.HasPrefix(p.head, "<") }),
		other("a playlist in PLS", "save it as M3U", head("[playlist]")),
		other("a text of a word processor", "save it as plain text", head(`{\rtf`)),
		other("a video stream", "send a list of tracks", func(p peek) bool { return strings.Contains(p.head, "#EXT-X-") }),
		other("a listening history, not a playlist", "send Playlist1.json or YourLibrary.json of the same download", func(p peek) bool {
			return isJSON(p) && (strings.Contains(p.head, `"msPlayed"`) || strings.Contains(p.head, `"ms_played"`))
		}),
	}
}
