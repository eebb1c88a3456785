package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cut returns a text of at most width columns. A text that was longer ends with an ellipsis.
func cut(text string, width int) string {
	if len(text) <= width { // a text has at most as many columns as bytes
		return text
	}
	return ansi.Truncate(text, max(0, width), "…")
}

// pad returns a text of exactly width columns, cut or filled with spaces.
func pad(text string, width int, right bool) string {
	text = cut(text, width)
	space := width - ansi.StringWidth(text)
	switch {
	case space <= 0:
		return text
	case right:
		return strings.Repeat(" ", space) + text
	}
	return text + strings.Repeat(" ", space)
}

// wrap returns a text in at most lines lines of at most width columns. Lines after the first are indented. The last one is cut if necessary.
func wrap(text string, width, lines int) []string {
	if ansi.StringWidth(text) <= width {
		return []string{text}
	}
	if lines <= 1 || width < 10 {
		return []string{cut(text, width)}
	}
	first, _, _ := strings.Cut(ansi.Wrap(text, width, ""), "\n")
	out := []string{strings.TrimRight(first, " ")}
	rest := strings.TrimLeft(strings.TrimPrefix(text, first), " ")
	all := strings.Split(ansi.Wrap(rest, width-2, ""), "\n")
	for i, line := range all {
		if len(out) == lines-1 && i < len(all)-1 {
			return append(out, "  "+cut(strings.Join(all[i:], " "), width-2))
		}
		out = append(out, "  "+strings.TrimRight(line, " "))
	}
	return out
}

// beside returns two columns of lines next to each other. The left one is width columns wide.
func beside(left, right []string, width int) []string {
	out := make([]string, max(len(left), len(right)))
	for i := range out {
		if i < len(left) {
			out[i] = left[i]
		}
		if i < len(right) {
			out[i] = pad(out[i], width, false) + right[i]
		}
	}
	return out
}

// part is a piece of a line. If a line has no room for all its parts, the parts of the highest rank are left out first. Rank 0 is never left out.
type part struct {
	text string
	kind kind
	rank int
}

// joined returns a line of at most width columns, made of the parts that have room.
func joined(parts []part, gap string, width int) string {
	for {
		total, last := 0, -1
		for i, p := range parts {
			if p.text == "" {
				continue
			}
			total += ansi.StringWidth(p.text) + len(gap)
			if p.rank > 0 && (last < 0 || p.rank >= parts[last].rank) {
				last = i
			}
		}
		if total-len(gap) <= width || last < 0 {
			break
		}
		parts[last].text = ""
	}
	var texts []string
	for _, p := range parts {
		if p.text != "" {
			texts = append(texts, paint(p.kind, p.text))
		}
	}
	return cut(strings.Join(texts, gap), width)
}

// sized returns at most height lines, each cut to width columns.
func sized(lines []string, width, height int) string {
	lines = lines[:min(len(lines), max(0, height))]
	for i, line := range lines {
		if len(line) > width && ansi.StringWidth(line) > width {
			lines[i] = ansi.Truncate(line, width, "")
		}
	}
	return strings.Join(lines, "\n")
}
