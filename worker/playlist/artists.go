package playlist

import "strings"

// credits knows how the artists of a track are written in one cell. "Tyler, The Creator" is one artist, "Queen, David
// Bowie" are two, and only the rest of the table shows which.
type credits struct {
	semicolons bool            // artists are separated by semicolons
	commas     bool            // artists are separated by commas, and commas of names have a backslash before them
	alone      map[string]bool // cells without a separator: artists
}

const (
	maxAlone = 20_000 // artists that are remembered
	quotes   = `"'`
)

// see collects the facts of a cell. It is called for all cells before any is split.
func (c *credits) see(cell string) {
	switch {
	case strings.TrimSpace(cell) == "":
	case strings.Contains(cell, ";"):
		c.semicolons = true
	case strings.Contains(cell, `\,`):
		c.commas = true
	case !strings.Contains(cell, ",") && len(c.alone) < maxAlone:
		if c.alone == nil {
			c.alone = map[string]bool{}
		}
		c.alone[strings.TrimSpace(cell)] = true
	}
}

// split reads a cell. refs is the cell with the references to the same artists, if there is one.
func (c *credits) split(cell, refs string) []string {
	cell = strings.TrimSpace(cell)
	if n := len(cell); n > 4 && cell[0] == '[' && cell[n-1] == ']' && strings.ContainsAny(cell[1:2], quotes) && strings.ContainsAny(cell[n-2:n-1], quotes) {
		cell = strings.NewReplacer("', '", ";", `", "`, ";", `', "`, ";", `", '`, ";").Replace(cell[2 : n-2]) // as Python writes lists
		return splitAt(cell, ";")
	}
	if c.semicolons {
		return splitAt(cell, ";")
	}
	names := splitCommas(cell)
	switch {
	case len(names) == 1:
		return names
	case refs != "":
		if !strings.ContainsAny(refs, ",;") {
			return []string{strings.ReplaceAll(cell, `\,`, ",")}
		}
		return names
	case c.commas:
		return names
	}
	for _, name := range names {
		if c.alone[strings.TrimSpace(name)] {
			return names
		}
	}
	return []string{cell}
}

// splitAt splits a cell into as many names as a track may have, and one more.
func splitAt(cell, sep string) []string { return strings.SplitN(cell, sep, maxArtists+1) }

// splitCommas splits at commas, except those with a backslash before them.
func splitCommas(cell string) []string {
	const comma = "\x00" // no name contains it: control characters become spaces
	names := splitAt(strings.ReplaceAll(strings.ReplaceAll(cell, "\x00", " "), `\,`, comma), ",")
	for i := range names {
		names[i] = strings.ReplaceAll(names[i], comma, ",")
	}
	return names
}
