package tui

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// recorded returns the readings of a demo fleet, every 2 s for a minute. These commands made them:
//
//	go run ./cmd/worker demo --hold
//	go run ./cmd/inspect show -o jsonl --watch 2s
//	go run ./cmd/inspect pause spotify --for 10m --write --yes       after half a minute
//	go run ./cmd/inspect why spotify --json                          at the end: demo-why.json
func recorded(t *testing.T) (reports []*report.Report, why *report.Why) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "demo.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzipped)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		r := new(report.Report)
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "demo-why.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &why); err != nil {
		t.Fatal(err)
	}
	return reports, why
}

// TestPictures compares the frames of docs/pictures with the frames that the live view draws of the recorded fleet. go test -update writes the
// frames, and go run ./docs/pictures makes pictures of them.
func TestPictures(t *testing.T) {
	reports, why := recorded(t)
	for name, c := range map[string]struct {
		readings int
		prepare  func(m *model)
	}{
		"inspect": {18, func(*model) {}},
		"inspect-bucket": {len(reports) - 1, func(m *model) {
			last := reports[len(reports)-1]
			press(m, "2", "enter")
			m.take(fetched{begun: last.At, ended: last.At, report: last, bucket: "spotify", why: why})
		}},
	} {
		m := newModel(Config{Namespace: reports[0].Namespace, Addr: reports[0].Redis}, nil)
		m.now, m.width, m.height = reports[0].At, 80, 24
		for _, r := range reports[:c.readings] {
			m.take(fetched{begun: r.At, ended: r.At, report: r})
		}
		c.prepare(m)
		t.Logf("%s:\n%s", name, ansi.Strip(m.View().Content))
		held(t, filepath.Join("..", "..", "..", "..", "docs", "pictures", name+".ansi"), m.View().Content+"\n")
	}
}
