package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden frames")

// keystroke returns the message of a key.
func keystroke(name string) tea.KeyPressMsg {
	special := map[string]tea.Key{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift},
		"space": {Code: tea.KeySpace, Text: " "}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown},
		"home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd}, "backspace": {Code: tea.KeyBackspace},
		"ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl},
	}
	if k, ok := special[name]; ok {
		return tea.KeyPressMsg(k)
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// press presses keys one after another.
func press(m *model, keys ...string) {
	for _, k := range keys {
		m.Update(keystroke(k))
	}
}

// frame returns the frame without colours.
func frame(m *model) string {
	var lines []string
	for line := range strings.SplitSeq(ansi.Strip(m.View().Content), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

// held fails the test if got differs from the file. With -update it writes the file instead.
func held(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s\n%s", file, d, got)
	}
}

// TestFrames compares each screen with its golden frame. go test -update writes the frames.
func TestFrames(t *testing.T) {
	asked := func(m *model) { m.take(reading(shop(62), m.detail)) }
	for name, prepare := range map[string]func(m *model){
		"fleet":    func(*model) {},
		"buckets":  func(m *model) { press(m, "2") },
		"replicas": func(m *model) { press(m, "3", "j") },
		"batches":  func(m *model) { press(m, "4") },
		"redis":    func(m *model) { press(m, "5") },
		"events":   func(m *model) { press(m, "6") },
		"wide":     func(m *model) { press(m, "2", "w") },
		"help":     func(m *model) { press(m, "?") },
		"detail": func(m *model) {
			press(m, "2", "j", "enter")
			asked(m)
		},
		"stale": func(m *model) {
			m.take(fetched{begun: began.Add(64 * time.Second), ended: began.Add(65 * time.Second), err: fmt.Errorf("redis at 10.0.0.5:6379 does not answer: connection refused; start it, or set REDIS_URL to the Redis of the fleet")})
			m.Update(clock(began.Add(95 * time.Second)))
		},
		"frozen": func(m *model) {
			press(m, "space")
			m.Update(clock(began.Add(66 * time.Second)))
		},
		"filter": func(m *model) { press(m, "2", "/", "!", "s", "p", "o", "t") },
		"faults": func(m *model) { press(m, "2", "f", "s", "s") },
	} {
		for _, size := range [][2]int{{80, 24}, {200, 50}} {
			m := watching(size[0], size[1])
			prepare(m)
			got := frame(m)
			file := filepath.Join("testdata", fmt.Sprintf("%s-%dx%d.golden", name, size[0], size[1]))
			held(t, file, got)
		}
	}
}
