package tui

import (
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// fetched is the result of one reading.
type fetched struct {
	begun, ended time.Time
	report       *report.Report
	err          error

	events []report.Event // of operators, newest first

	bucket string // the bucket whose reasons were read, too; "" for none
	why    *report.Why
	whyErr error
}

// fail stores a reading that failed.
func (d *data) fail(f fetched) {
	text := report.Clean(f.err.Error())
	if d.broken == "" {
		d.brokenSince = f.ended
		d.log(event{d.redisTime(f.ended), "redis", "GONE: " + text, bad})
	}
	d.broken = text
}

// add stores a reading that succeeded.
func (d *data) add(f fetched) {
	if d.broken != "" {
		d.broken = ""
		d.log(event{f.report.At, "redis", "answers again, after " + report.Span(f.ended.Sub(d.brokenSince).Truncate(100*time.Millisecond)), good})
	}
	d.log(observed(d.history.Last(), f.report, d.met)...)
	d.record(f.events)
	d.meet(f.report)
	d.history.Add(f.report)
	d.received = f.begun // a slow reading may have read the data when it began
	if f.bucket == "" {
		return
	}
	d.whyOf, d.why, d.whyBroken = f.bucket, f.why, ""
	if f.whyErr != nil {
		d.whyBroken = report.Clean(f.whyErr.Error())
	}
}

// redisTime converts a time of this machine to the clock of Redis. Before the first report it returns t.
func (d *data) redisTime(t time.Time) time.Time {
	if r := d.history.Last(); r != nil {
		return r.At.Add(t.Sub(d.received))
	}
	return t
}
