package tui

import (
	"fmt"
	"html"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tinted is what a picture shows in a colour of its own: the classes of the style below.
var tinted = []struct {
	class string
	text  *regexp.Regexp
}{
	{"bad", regexp.MustCompile(`^!.*|\b(?:LOST|PAUSED|HELD|DISPUTED|UNKNOWN)\b`)},
	{"warn", regexp.MustCompile(`\b(?:FOLLOWS|waiting)\b`)},
	{"head", regexp.MustCompile(`^\s*(?:BUCKET |REPLICA |ROUTE |[A-Z]+ \d+\b).*|^(?:WHY|LAST 60 s|IN LINE|SHARE OF EACH REPLICA)$`)},
	{"bar", regexp.MustCompile(`[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉]+`)},
}

// picture is a frame as SVG, for light and for dark pages.
func picture(frame string) string {
	const wide, high, pad = 8.43, 18, 14
	lines, columns := strings.Split(strings.TrimRight(frame, "\n"), "\n"), 0
	for _, line := range lines {
		columns = max(columns, len([]rune(line)))
	}
	var b strings.Builder
	width, height := int(float64(columns)*wide)+2*pad, len(lines)*high+2*pad
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="inspect on a terminal">
<style>
text{font:14px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1f2328}
rect{fill:#f6f8fa;stroke:#d0d7de}
.bad{fill:#a40e26;font-weight:bold}.warn{fill:#7a4d00}.head{fill:#57606a}.bar{fill:#0a5cc2}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#0d1117;stroke:#30363d}.bad{fill:#ff8182}.warn{fill:#e3b341}.head{fill:#9198a1}.bar{fill:#6cb6ff}}
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="8"/>
`, width, height, width, height, width-1, height-1)
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" xml:space=\"preserve\" textLength=\"%.0f\">%s</text>\n", pad, pad+high*(i+1)-5, float64(len([]rune(line)))*wide, spans(line))
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// spans is a line in which some parts have a class.
func spans(line string) string {
	for _, c := range tinted {
		if at := c.text.FindStringIndex(line); at != nil {
			return spans(line[:at[0]]) + `<tspan class="` + c.class + `">` + html.EscapeString(line[at[0]:at[1]]) + "</tspan>" + spans(line[at[1]:])
		}
	}
	return html.EscapeString(line)
}

// TestPictures holds the pictures of docs/inspect.md to the frames. go test -update writes them anew.
func TestPictures(t *testing.T) {
	for name, prepare := range map[string]func(m *model){
		"inspect": func(*model) {},
		"inspect-bucket": func(m *model) {
			press(m, "2", "j", "j", "j", "j", "j", "enter")
			m.take(reading(shop(62), m.detail))
		},
	} {
		m := watching(100, 30)
		prepare(m)
		held(t, filepath.Join("..", "..", "..", "..", "docs", "pictures", name+".svg"), picture(frame(m)))
	}
}
