package playlist

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The columns that are read, and their names: the first is the one an error asks for, the others are what exports of
// other years call it.
const (
	uriColumn = iota
	nameColumn
	artistsColumn
	required // columns; those after it may be missing
)

const (
	albumColumn = iota + required
	releasedColumn
	durationColumn
	columns
)

func columnNames() [columns][]string {
	return [columns][]string{
		uriColumn:      {"Track URI", "Spotify URI"},
		nameColumn:     {"Track Name"},
		artistsColumn:  {"Artist Name(s)", "Artist Name"},
		albumColumn:    {"Album Name"},
		releasedColumn: {"Release Date", "Album Release Date"},
		durationColumn: {"Duration (ms)", "Track Duration (ms)"},
	}
}

// record is a row of a CSV that has as many fields as the header.
type record struct {
	line   int
	fields [columns]string
}

func parseCSV(data []byte) (Playlist, error) {
	records, err := readRecords(data)
	if err != nil {
		return Playlist{}, err
	}
	// "Tyler, The Creator" is one artist where semicolons separate them, and only the whole column shows whether they do.
	semicolons := slices.ContainsFunc(records, func(r record) bool { return strings.Contains(r.fields[artistsColumn], ";") })

	var p Playlist
	for _, rec := range records {
		f := rec.fields
		r := row{uri: f[uriColumn], name: f[nameColumn], album: f[albumColumn], released: f[releasedColumn]}
		r.artists = splitArtists(f[artistsColumn], semicolons)
		if s := strings.TrimSpace(f[durationColumn]); s != "" {
			if r.ms, err = strconv.ParseInt(s, 10, 64); err != nil {
				return Playlist{}, refuse(ReasonMalformed, rec.line, "give whole milliseconds or leave it empty", "%s is not a duration", Quoted(s))
			}
		}
		if err := p.add(r, rec.line); err != nil {
			return Playlist{}, err
		}
	}
	return p, nil
}

// readRecords reads the rows below the header, one more than a playlist may have at most.
func readRecords(data []byte) ([]record, error) {
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord = -1 // rows are counted below, where the error can say more
	header, err := in.Read()
	if err != nil {
		return nil, unreadable(err, in.InputOffset() == int64(len(data)))
	}
	at, missing := locate(header)
	if missing != nil {
		return nil, missing
	}
	var records []record
	for len(records) <= MaxTracks {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err, in.InputOffset() == int64(len(data)))
		}
		line, _ := in.FieldPos(0)
		switch {
		case len(fields) == 1 && strings.TrimSpace(fields[0]) == "":
			continue
		case len(fields) < len(header):
			return nil, refuse(ReasonTruncated, line, exportAgain, "the row has %d of %d columns, its end is missing", len(fields), len(header))
		case len(fields) > len(header):
			return nil, refuse(ReasonMalformed, line, "put texts that hold commas in quotes", "the row has %d columns, the header %d", len(fields), len(header))
		}
		rec := record{line: line}
		for c, i := range at {
			if i >= 0 {
				rec.fields[c] = fields[i]
			}
		}
		records = append(records, rec)
	}
	return records, nil
}

// locate finds the columns in a header. One that may be missing and is, is at -1.
func locate(header []string) (at [columns]int, err error) {
	var missing []string
	for c, names := range columnNames() {
		at[c] = slices.IndexFunc(header, func(h string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
		})
		if at[c] < 0 && c < required {
			missing = append(missing, strconv.Quote(names[0]))
		}
	}
	if missing == nil {
		return at, nil
	}
	mend := "export the playlist with Exportify, or rename the columns"
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		mend = "separate the columns with commas"
	}
	return at, refuse(ReasonColumns, 1, mend, "no column %s", strings.Join(missing, ", "))
}

// unreadable makes a refusal of an error of encoding/csv, whose reader stands at the end of the input or before it.
func unreadable(err error, atEnd bool) error {
	bad, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case !ok:
		return refuse(ReasonMalformed, 0, exportAgain, "the input is not CSV")
	case errors.Is(bad.Err, csv.ErrQuote) && atEnd:
		return refuse(ReasonTruncated, bad.StartLine, exportAgain, "a quote is opened and not closed, the file is cut off")
	default:
		return refuse(ReasonMalformed, bad.Line, "put the text in quotes and double those inside it", "a quote stands inside a text")
	}
}

// splitArtists reads the credits of a track. Where commas separate the artists, one in a name has a backslash before it.
func splitArtists(credits string, semicolons bool) []string {
	if semicolons {
		return strings.Split(credits, ";")
	}
	const comma = "\x00" // cannot be in a name: control characters become spaces
	names := strings.Split(strings.ReplaceAll(strings.ReplaceAll(credits, "\x00", " "), `\,`, comma), ",")
	for i := range names {
		names[i] = strings.ReplaceAll(names[i], comma, ",")
	}
	return names
}
