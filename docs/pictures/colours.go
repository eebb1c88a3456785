package main

import (
	"fmt"
	"strings"
)

// colour is the colour of a class of the style, on a light and on a dark page.
type colour struct{ class, light, dark string }

// fills are the backgrounds. The first is behind the whole picture.
func fills() []colour {
	return []colour{
		{"panel", "#f6f8fa", "#0d1117"},
		{"group", "#eaeef2", "#161b22"},
		{"box", "#ffffff", "#21262d"},
	}
}

// inks are the colours of text, of bars and of arrows. Each can be read on each of the fills.
func inks() []colour {
	return []colour{
		{"ink", "#1f2328", "#e6edf3"},
		{"quiet", "#57606a", "#9ea7b1"},
		{"blue", "#0550ae", "#79c0ff"},
		{"red", "#a40e26", "#ff9492"},
		{"green", "#116329", "#56d364"},
		{"amber", "#7a4d00", "#e3b341"},
		{"cyan", "#0b5a66", "#56d4dd"},
	}
}

// style returns the style sheet of every picture.
func style() string {
	light, dark := rules(func(c colour) string { return c.light }), rules(func(c colour) string { return c.dark })
	return `text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}` +
		`.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}` +
		`.bold{font-weight:600}.dashed{stroke-dasharray:5 4}` + "\n" + light + "\n@media(prefers-color-scheme:dark){" + dark + "}"
}

// rules returns a class for each fill, and for each ink a class of text and bars and a class of lines.
func rules(of func(colour) string) string {
	var b strings.Builder
	for _, c := range append(fills(), inks()...) {
		fmt.Fprintf(&b, ".%s{fill:%s}", c.class, of(c))
	}
	for _, c := range inks() {
		fmt.Fprintf(&b, ".%s-line{stroke:%s;fill:none}", c.class, of(c))
	}
	return b.String()
}
