package page

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/worker/sse"
)

// mostShares is the maximum number of replicas of a bucket in the stream. All replicas of a large fleet would be megabytes.
const mostShares = 20

// shown is a report as the page shows it.
type shown struct {
	*report.Report

	ReadMS   int64            `json:"read_ms"`  // when the report was read, by the clock of hello
	Buckets  []shownBucket    `json:"buckets"`  // by severity
	Replicas []report.Replica `json:"replicas"` // without their records
}

type shownBucket struct {
	report.Bucket

	Note  string `json:"note"`
	Users int    `json:"users"` // the number of replicas that use the bucket; shares has the largest of them
}

// reportFrame returns the event of a report. read is when the report was read, since the clock began.
func reportFrame(r *report.Report, read time.Duration) (sse.Frame, error) {
	s := shown{Report: r, ReadMS: read.Milliseconds(), Buckets: []shownBucket{}, Replicas: make([]report.Replica, len(r.Replicas))}
	for _, b := range r.BySeverity() {
		users := len(b.Shares)
		b.Shares = b.Shares[:min(users, mostShares)]
		s.Buckets = append(s.Buckets, shownBucket{b, b.Note(), users})
	}
	for i, v := range r.Replicas {
		v.Record = nil
		s.Replicas[i] = v
	}
	f, err := frame("report", s)
	if err != nil {
		return f, fmt.Errorf("the report of %d buckets and %d replicas cannot be shown on the page: %w", len(r.Buckets), len(r.Replicas), err)
	}
	return f, nil
}

// troubleFrame returns the event of a failed attempt.
func troubleFrame(err error) sse.Frame {
	f, _ := sse.Event{Name: "trouble", Data: []byte(report.Clean(err.Error()))}.Frame() // a short text cannot be too long
	return f
}

func frame(name string, v any) (sse.Frame, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return sse.Frame{}, err
	}
	return sse.Event{Name: name, Data: data}.Frame()
}

// hello is the event that a page needs before the first report.
type hello struct {
	IntervalMS int64 `json:"interval_ms"`
	StaleMS    int64 `json:"stale_ms"`
	// NowMS is the time of a monotonic clock. With it the page computes the age of a report that was read long before it was sent, or that took long to
	// arrive.
	NowMS int64   `json:"now_ms"`
	Past  []point `json:"past"`  // oldest first
	Write bool    `json:"write"` // the page may change the fleet
}

func (p *poller) helloLocked() sse.Frame {
	h := hello{IntervalMS: p.interval.Milliseconds(), StaleMS: p.stale.Milliseconds(), NowMS: time.Since(p.began).Milliseconds(), Past: p.past.points, Write: p.write}
	f, err := frame("hello", h)
	if err != nil { // too many buckets: charts begin empty
		h.Past = nil
		f, _ = frame("hello", h)
	}
	return f
}

// past is the last minute of the charts. With it a page that is loaded again has its charts at once.
type past struct {
	epoch  string // of Redis' memory
	points []point
}

// point is all buckets at one moment.
type point struct {
	AtMS int64   `json:"at"`
	Rows [][]any `json:"rows"` // for each bucket: key, used a second, refused a second, budget a second, 1 while it is shut
}

const (
	kept   = time.Minute
	spaced = 1900 * time.Millisecond // a chart has no room for more
)

func (p *past) add(r *report.Report) {
	if p.epoch != r.Epoch {
		p.epoch, p.points = r.Epoch, nil
	}
	at := r.At.UnixMilli()
	if n := len(p.points); n > 0 && at < p.points[n-1].AtMS+spaced.Milliseconds() {
		return
	}
	for len(p.points) > 0 && at-p.points[0].AtMS > kept.Milliseconds() {
		p.points = p.points[1:]
	}
	next := point{AtMS: at, Rows: [][]any{}}
	for _, b := range r.Buckets {
		if b.UsedPerS == nil { // unknown, not 0
			continue
		}
		shut := 0
		if b.Paused {
			shut = 1
		}
		next.Rows = append(next.Rows, []any{b.Name + "\n" + b.Limit, *b.UsedPerS, *b.RefusedPerS, b.Rate * b.Served, shut})
	}
	p.points = append(p.points, next)
}
