package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// pictured returns a run of n replicas: one in seven has ended, one in eleven has failed.
func pictured(n int, texts string) picture {
	p := picture{
		what: sharing(n) + ": 40 per 1s, burst 40. Redis: embedded, on 127.0.0.1:33753. Look at it while it runs:",
		look: commandLines("REDIS_URL=redis://127.0.0.1:33753 go run ./cmd/inspect --namespace " + strings.Repeat("n", 30)),
		took: 83 * time.Second, calls: 3301, refused: 2, rate: 40,
	}
	for i := range 830 {
		p.per100ms = append(p.per100ms, int64(i*7%11))
	}
	for i := range n {
		r := replicaPicture{done: i * 3 % 169, total: 168, text: texts}
		switch {
		case i%11 == 10:
			r.failed, r.ended = true, true
		case i%7 == 6:
			r.done, r.ended = 168, true
		}
		p.replicas = append(p.replicas, r)
	}
	return p
}

// TestFrames draws frames of several sizes and fleets. No line is wider than the screen, a frame has no more lines than the screen has rows, each
// sign has a legend, and each replica has a line or is counted in the sentence.
func TestFrames(t *testing.T) {
	const texts = "Weighing \x1b[2Jhow much of this is rest\tless, Sigur Rós, 坂本龍一 and others"
	for _, size := range [][2]int{{40, 10}, {60, 12}, {80, 13}, {80, 24}, {81, 25}, {100, 30}, {120, 40}, {132, 43}, {200, 50}} {
		width, rows := size[0], size[1]
		shownOf := []string{}
		for _, n := range []int{1, 2, 4, 64, 200} {
			for _, colour := range []bool{false, true} {
				p := pictured(n, texts)
				text := p.frame(width, rows, colour)
				what := fmt.Sprintf("%dx%d, %d replicas, colour %v", width, rows, n, colour)
				lines := strings.Split(text, "\n")
				if len(lines) > rows {
					t.Errorf("%s: %d lines", what, len(lines))
				}
				for _, line := range lines {
					if w := ansi.StringWidth(line); w > width {
						t.Errorf("%s: %d columns: %q", what, w, line)
					}
				}
				if !colour && strings.ContainsRune(text, '\x1b') {
					t.Errorf("%s: an escape sequence in %q", what, text)
				}
				if strings.ContainsAny(ansi.Strip(text), "\x1b\t\r") {
					t.Errorf("%s: a control character of a text is in %q", what, text)
				}
				if unknown := unexplained(ansi.Strip(text)); unknown != "" {
					t.Errorf("%s: no legend for %q:\n%s", what, unknown, text)
				}
				if colour && strings.Contains(text, "\x1b[32m") && !strings.Contains(ansi.Strip(text), "(green)") {
					t.Errorf("%s: green has no legend:\n%s", what, text)
				}
				shown, rest := counts(ansi.Strip(text))
				if shown+rest != n {
					t.Errorf("%s: %d replicas have a line and %d are in the sentence:\n%s", what, shown, rest, text)
				}
				if colour {
					shownOf = append(shownOf, fmt.Sprintf("%d of %d", shown, n))
				}
			}
		}
		t.Logf("%3dx%-2d  replicas with a line: %s", width, rows, strings.Join(shownOf, ", "))
	}
}

// unexplained returns the signs of a frame or a page that its legends do not explain.
func unexplained(text string) (unknown string) {
	explained := map[rune]bool{'─': true} // the line under the head of a table
	for line := range strings.Lines(text) {
		if strings.Contains(line, "done") && strings.Contains(line, "to come") {
			explained['█'], explained['░'] = strings.Contains(line, "█ done"), strings.Contains(line, "░ to come")
		}
		if strings.Contains(line, "✓ ended") {
			explained['✓'] = true
		}
	}
	words := strings.Join(strings.Fields(text), " ")
	if strings.Contains(words, "▁ to █") {
		for _, r := range "▁▂▃▄▅▆▇█│┤" {
			explained[r] = true
		}
	}
	explained['┄'] = strings.Contains(words, "┄ the budget")
	explained['▲'] = strings.Contains(words, "▲ above")
	for _, r := range text {
		sign := unicode.In(r, unicode.So, unicode.Sm, unicode.Sk) && r > unicode.MaxASCII
		if sign && !explained[r] && !strings.ContainsRune(unknown, r) {
			unknown += string(r)
		}
	}
	return unknown
}

var (
	shownReplica = regexp.MustCompile(`replica +\d+ [█░]`)
	moreReplicas = regexp.MustCompile(`(?:and (\d+) more|(?m:^)(\d+) replicas?): `)
)

// counts returns the number of replicas that have a line, and the number in the sentence about the others.
func counts(text string) (shown, rest int) {
	shown = len(shownReplica.FindAllString(text, -1))
	if m := moreReplicas.FindStringSubmatch(text); m != nil {
		rest, _ = strconv.Atoi(m[1] + m[2])
	}
	return shown, rest
}

// TestFrameOfAnySize checks that a frame fits a screen of any size.
func TestFrameOfAnySize(t *testing.T) {
	for _, n := range []int{1, 3, 64, 256} {
		p := pictured(n, "text")
		for width := range 90 {
			for rows := range 30 {
				lines := strings.Split(p.frame(width, rows, true), "\n")
				if len(lines) > max(1, rows) {
					t.Fatalf("%dx%d, %d replicas: %d lines", width, rows, n, len(lines))
				}
				for _, line := range lines {
					if ansi.StringWidth(line) > width {
						t.Fatalf("%dx%d, %d replicas: %q", width, rows, n, line)
					}
				}
			}
		}
	}
}

// TestPlainLines checks the lines of a run for an output that is no terminal: no escape sequences, and at most 80 columns.
func TestPlainLines(t *testing.T) {
	for _, n := range []int{1, 4, 64, 256} {
		p := pictured(n, "text")
		p.took = 10_000 * time.Second
		for i := range p.replicas {
			p.replicas[i].total = 99_999
		}
		line := p.plain()
		t.Log(line)
		wantPlain(t, line)
	}
	if line := pictured(1, "").plain(); !strings.Contains(line, "1 replica runs") {
		t.Errorf("one replica: %q", line)
	}
	wantPlain(t, intro(pictured(64, "").what, pictured(64, "").look))
}

// TestCommandLines checks that a long command is split into lines that a shell accepts.
func TestCommandLines(t *testing.T) {
	lines := commandLines("REDIS_URL=redis://127.0.0.1:33753 go run ./cmd/inspect --namespace " + strings.Repeat("n", 50))
	if len(lines) != 2 || !strings.HasSuffix(lines[0], ` \`) || strings.HasSuffix(lines[1], `\`) {
		t.Errorf("%q", lines)
	}
	if one := commandLines("go run ./cmd/inspect"); len(one) != 1 || one[0] != "go run ./cmd/inspect" {
		t.Errorf("%q", one)
	}
}
