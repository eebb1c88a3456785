package evidence

import (
	"strings"
	"time"
)

// plain reads a header that has one number of one limit. If the value is a list, as in older drafts of the IETF, its
// first number is the present one.
func (q *quotas) plain(f field, v string, c clock) {
	switch f.part {
	case limit, remaining:
		v = strings.TrimRight(v[:firstOf(v, ",;")], " \t")
		n, ok := count(v)
		if !ok {
			return
		}
		one := q.of(f)
		if f.part == limit {
			learn(&one.Limit, n)
		} else {
			learn(&one.Remaining, n)
		}
	default:
		d, ok := c.wait(v)
		if f.part == resetMS {
			d, ok = milliseconds(v)
		}
		if ok && d > 0 {
			learnWait(&q.of(f).Reset, d)
		}
	}
}

// of returns the quota of a header, with the window from the header's name: X-RateLimit-Limit-Minute.
func (q *quotas) of(f field) *Quota {
	one := q.named(f.quota)
	switch one.Name[strings.LastIndexByte(one.Name, '-')+1:] {
	case "second":
		learnWait(&one.Window, time.Second)
	case "minute":
		learnWait(&one.Window, time.Minute)
	case "hour":
		learnWait(&one.Window, time.Hour)
	case "day":
		learnWait(&one.Window, 24*time.Hour)
	}
	return one
}

// firstOf returns the index of the first of these characters, or the length of s.
func firstOf(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}
