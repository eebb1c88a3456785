package evidence_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/evidence"
)

// noon is the time of the caller in all rows: 1795435200 in Unix time.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

const (
	month = 31 * 24 * time.Hour // the longest wait
	most  = 1<<53 - 1           // the largest count
)

type row struct {
	name   string
	status int    // 0 means 200
	header string // a line for each value
	want   evidence.Answer
}

// header makes headers of lines, with the names as they are written.
func header(lines string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(lines) {
		if key, value, ok := strings.Cut(strings.Trim(line, "\t\n"), ": "); ok {
			h[key] = append(h[key], value)
		}
	}
	return h
}

func quota(name string, limit, remaining int64, reset, window time.Duration) evidence.Quota {
	return evidence.Quota{Name: name, Limit: limit, Remaining: remaining, Reset: reset, Window: window}
}

func quotas(q ...evidence.Quota) evidence.Answer { return evidence.Answer{Quotas: q} }

func check(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if r.status == 0 {
				r.status = http.StatusOK
			}
			got := evidence.Read(r.status, header(r.header), noon)
			t.Logf("%d\n%s\n=> %s", r.status, indented(r.header), show(got))
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func indented(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if line = strings.Trim(line, "\t\n"); len(line) > 120 {
			line = fmt.Sprintf("%s… (%d bytes)", line[:120], len(line))
		}
		b.WriteString("   " + line + "\n")
	}
	return strings.TrimRight(b.String(), " \n")
}

func show(a evidence.Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "throttled %v, overloaded %v, wait %v", a.Throttled, a.Overloaded, a.RetryAfter)
	for _, q := range a.Quotas {
		fmt.Fprintf(&b, "\n   %q: %d of %d %s left, whole in %v, window %v", q.Name, q.Remaining, q.Limit, q.Unit, q.Reset, q.Window)
	}
	return b.String()
}
