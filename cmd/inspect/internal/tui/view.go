package tui

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"
)

// The smallest terminal in which the view is drawn.
const minWidth, minHeight = 40, 10

// view draws one frame, at most height lines of at most width columns. It depends only on its arguments.
func view(d *data, s *state, width, height int) string {
	if width < minWidth || height < minHeight {
		return sized([]string{"terminal too small:", fmt.Sprintf("%dx%d, want %dx%d", width, height, minWidth, minHeight)}, width, height)
	}
	lines := top(d, s, width, height)
	room := room(d, s, width, height)
	content := body(d, s, width, room)
	content = content[:min(len(content), room)]
	for i, line := range content {
		if s.old(d) && !s.help { // old data must not look live
			content[i] = paint(faint, ansi.Strip(line))
		}
	}
	lines = append(lines, content...)
	for len(lines) < height-1 {
		lines = append(lines, "")
	}
	return sized(append(lines, footer(s, width)), width, height)
}

// top returns the lines above the content of a screen.
func top(d *data, s *state, width, height int) []string {
	return append([]string{header(d, s, width), tabs(d, s, width)}, banner(d, s, width, height)...)
}

// room returns how many lines a screen has for its content.
func room(d *data, s *state, width, height int) int {
	return max(0, height-len(top(d, s, width, height))-1)
}

// body returns the content of a screen, between the header and the footer.
func body(d *data, s *state, width, height int) []string {
	switch {
	case s.help:
		return scrolled(help(width, s.write), s.offset, height)
	case d.history.Last() == nil && s.screen != eventScreen:
		return nothing(d, width)
	case s.detail != "":
		return scrolled(detail(d, s, width, height), s.offset, height)
	case s.screen == fleetScreen:
		return overview(d, s, width, height)
	case s.screen == bucketScreen:
		return buckets(d, s, width, height)
	case s.screen == redisScreen:
		return server(d, width)
	case s.screen == eventScreen:
		return eventLines(d, s, width, height)
	}
	return s.listing(d).titled(s, width, height, &s.cursors[s.screen])
}

// nothing returns the content of a screen before the first report.
func nothing(d *data, width int) []string {
	text := "Reading " + d.addr + " …"
	if d.broken != "" {
		text = "Nothing has been read yet. inspect keeps trying."
	}
	return append([]string{""}, wrap("  "+text, width, 3)...)
}

// scrolled returns the lines from an offset on. If more lines follow, the last line says how many.
func scrolled(lines []string, offset, height int) []string {
	offset = max(0, min(offset, len(lines)-height))
	lines = lines[offset:]
	if height > 1 && len(lines) > height {
		lines = append(lines[:height-1:height-1], paint(faint, fmt.Sprintf("  %d more lines: j", len(lines)-height+1)))
	}
	return lines
}
