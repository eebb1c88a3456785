package main

import (
	"fmt"
	"html"
	"os"
	"strings"
)

// look is the colour and the weight in which a terminal shows the text that follows.
type look struct {
	ink                  string
	bold, faint, reverse bool
}

// run is a text of one look, from a column on.
type run struct {
	look

	column int
	text   string
}

// runs reads a line with the escape sequences of colours. Each line begins with the default look.
func runs(line string) ([]run, error) {
	var out []run
	now, column := look{ink: "ink"}, 0
	for line != "" {
		text, rest, found := strings.Cut(line, "\x1b[")
		if text != "" {
			out = append(out, run{now, column, text})
			column += len([]rune(text))
		}
		if !found {
			break
		}
		codes, after, ended := strings.Cut(rest, "m")
		if !ended {
			return nil, fmt.Errorf("%q is no escape sequence of a colour", rest)
		}
		for code := range strings.SplitSeq(codes, ";") {
			if err := now.set(code); err != nil {
				return nil, err
			}
		}
		line = after
	}
	return out, nil
}

func (l *look) set(code string) error {
	switch code {
	case "", "0":
		*l = look{ink: "ink"}
	case "1":
		l.bold = true
	case "2":
		l.faint = true
	case "7":
		l.reverse = true
	case "31":
		l.ink = "red"
	case "32":
		l.ink = "green"
	case "33":
		l.ink = "amber"
	case "36":
		l.ink = "cyan"
	default:
		return fmt.Errorf("escape sequence %q has no colour in the pictures", code)
	}
	return nil
}

// terminalPicture shows a recorded terminal of 80 columns, with its colours.
func terminalPicture(file, title, about string) (*canvas, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	const size, wide, high, pad = 16, 9.6, 21, 16
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	c := newCanvas(float64(len(lines)*high+2*pad), title, about)
	for i, line := range lines {
		parts, err := runs(line)
		if err != nil {
			return nil, err
		}
		for _, r := range parts {
			x, y, w := pad+wide*float64(r.column), float64(pad+high*i), wide*float64(len([]rune(r.text)))
			class := "mono " + r.ink
			if r.faint && r.ink == "ink" {
				class = "mono quiet"
			}
			if r.reverse {
				c.fill(r.ink, x, y, w, high)
				class = "mono panel"
			}
			if r.bold {
				class += " bold"
			}
			if strings.TrimSpace(r.text) != "" {
				c.texts = append(c.texts, area{x, y + 2, w, high - 4, r.text, size})
				fmt.Fprintf(&c.body, "<text class=\"%s\" x=\"%.1f\" y=\"%g\" font-size=\"%d\" textLength=\"%.1f\" xml:space=\"preserve\">%s</text>\n",
					class, x, y+high-5, size, w, html.EscapeString(r.text))
			}
		}
	}
	return c, nil
}
