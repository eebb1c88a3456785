package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span returns a duration for a person to read, in at most two units: "90ms", "1.5s", "3m12s", "2h5m", "4d2h".
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Span(-d)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'g', 3, 64) + "s"
	case d < time.Minute:
		return strconv.FormatInt(int64(d.Round(time.Second).Seconds()), 10) + "s"
	}
	two := func(a time.Duration, unit string, b time.Duration, small string) string {
		n, rest := d/a, d%a/b
		if rest == 0 {
			return fmt.Sprintf("%d%s", n, unit)
		}
		return fmt.Sprintf("%d%s%d%s", n, unit, rest, small)
	}
	switch {
	case d < time.Hour:
		return two(time.Minute, "m", time.Second, "s")
	case d < 24*time.Hour:
		return two(time.Hour, "h", time.Minute, "m")
	}
	return two(24*time.Hour, "d", time.Hour, "h")
}

// MS returns the [Span] of a number of milliseconds, "-" if it is nil.
func MS(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return Span(time.Duration(*ms) * time.Millisecond)
}

// Short returns the first 12 characters of an id, enough to tell replicas apart.
func Short(id string) string {
	if runes := []rune(id); len(runes) > 12 {
		return string(runes[:12])
	}
	return id
}

// Note returns what an operator should know of a bucket besides its state, "" for nothing.
func (b *Bucket) Note() string {
	var notes []string
	switch {
	case b.HeldBy != nil && b.PausedMS != nil:
		notes = append(notes, fmt.Sprintf("held for %s: a provider asked %s to wait at %s", MS(b.PausedMS), Short(*b.HeldBy), b.HeldSince.Format(time.TimeOnly+" MST")))
	case b.PausedMS != nil:
		notes = append(notes, "paused for "+MS(b.PausedMS))
	case b.Paused:
		notes = append(notes, "paused until somebody resumes it")
	}
	if b.Shadowed {
		delayed := int64(0)
		for _, s := range b.Shares {
			delayed += s.Delayed
		}
		notes = append(notes, fmt.Sprintf("shadow mode: delays nobody, would have delayed %d calls", delayed))
	}
	if b.Served > 0 && b.Served < 1 {
		notes = append(notes, fmt.Sprintf("follows its provider: %.3g/s", b.Served*b.Rate))
	}
	if b.Set {
		notes = append(notes, "set at run time")
	}
	if len(b.Wishes) > 0 {
		var wants []string
		for _, w := range b.Wishes {
			wants = append(wants, fmt.Sprintf("%d want %s", len(w.Replicas), strings.Join(w.Limits, " and ")))
		}
		notes = append(notes, "replicas disagree: "+strings.Join(wants, ", "))
	}
	return strings.Join(notes, "; ")
}

// warnings returns a sentence for each condition that needs an operator.
func (r *Report) warnings() (out []string) {
	for _, v := range r.Replicas {
		switch v.State {
		case "lost":
			out = append(out, fmt.Sprintf("replica %s is lost: silent for %s", Short(v.ID), MS(&v.HeartbeatAgeMS)))
		case "unknown":
			out = append(out, fmt.Sprintf("replica %s has published a record that this version cannot read", Short(v.ID)))
		}
		if v.AwayAgoMS != nil && *v.AwayAgoMS < 60_000 && v.State == "up" {
			out = append(out, fmt.Sprintf("replica %s could not reach Redis until %s ago, for %s in total", Short(v.ID), MS(v.AwayAgoMS), MS(v.AwayMS)))
		}
	}
	for i := range r.Buckets {
		b := &r.Buckets[i]
		if b.State == Held || b.State == Paused || b.State == Disputed || b.Shadowed {
			out = append(out, fmt.Sprintf("bucket %s: %s", b.Name, b.Note()))
		}
		if len(b.Shares) > 2 && b.UsedPerS != nil && *b.UsedPerS > 0 && b.State == Waiting && b.Shares[0].UsedPerS > 0.7**b.UsedPerS {
			out = append(out, fmt.Sprintf("bucket %s: replica %s takes %.0f %% of it", b.Name, Short(b.Shares[0].Replica), 100*b.Shares[0].UsedPerS / *b.UsedPerS))
		}
	}
	s := r.Server
	if s.EvictedKeys != nil && *s.EvictedKeys > 0 && s.Policy != nil && *s.Policy != "noeviction" {
		out = append(out, fmt.Sprintf("Redis has evicted %d keys: with maxmemory-policy %s it may evict the budget", *s.EvictedKeys, *s.Policy))
	}
	if r.Live > len(r.Replicas) {
		out = append(out, fmt.Sprintf("%d of %d live limiters publish no record: an older version, or Config.Publish below 0", r.Live-len(r.Replicas), r.Live))
	}
	return out
}
