package evidence

import (
	"cmp"
	"time"
)

// current reads a value of RateLimit. Since version 8 of the draft the value is a list of policies and what remains of
// each. In version 7 it is the three numbers of the limit that is closest to its end.
func (q *quotas) current(v string, c clock) {
	for m := range members(v) {
		switch {
		case m.key != "":
			q.pair(m, c)
		case !m.item.names() || !m.r.counts() || !m.t.absent() && !m.t.counts():
		default:
			one := q.named(m.item.text)
			// A policy with several partitions appears several times. The member with the least left counts.
			if one.Remaining < 0 || m.r.n < one.Remaining {
				one.Remaining, one.Reset = m.r.n, c.seconds(float64(m.t.n))
			}
		}
	}
}

// pair reads limit=100, remaining=50 or reset=30.
func (q *quotas) pair(m member, c clock) {
	if !m.item.counts() {
		return
	}
	switch partOf(m.key) {
	case limit:
		learn(&q.named("").Limit, m.item.n)
	case remaining:
		learn(&q.named("").Remaining, m.item.n)
	case reset:
		if d := c.seconds(float64(m.item.n)); d > 0 {
			learnWait(&q.named("").Reset, d)
		}
	}
}

// policies reads a value of RateLimit-Policy whose members have names: "burst";q=100;w=60.
func (q *quotas) policies(v string) {
	for m := range members(v) {
		if m.key != "" || !m.item.names() || !m.q.counts() || !m.w.absent() && !m.w.counts() || !m.qu.absent() && m.qu.kind != text {
			continue
		}
		one := q.named(m.item.text)
		if one.Limit < 0 {
			one.Limit, one.Window, one.Unit = m.q.n, window(m.w), m.qu.text
		}
	}
}

// windows reads the policies of older drafts, whose members are numbers: 100;w=60. The policy of the present limit is
// found by its number. Other policies are limits of their own.
func (q *quotas) windows(v string) {
	for m := range members(v) {
		w := window(m.w)
		if m.key != "" || !m.item.counts() || !m.w.counts() || w == 0 || !m.name.absent() && !m.name.names() {
			continue
		}
		q.windowed(Quota{Name: m.name.text, Limit: m.item.n, Remaining: -1, Window: w})
	}
}

func (q *quotas) windowed(p Quota) {
	for _, one := range *q {
		if p.Name != "" && one.Name == p.Name {
			return
		}
	}
	for i := range *q {
		one := &(*q)[i]
		same := one.Limit == p.Limit && one.Window == p.Window && (p.Name == "" || one.Name == "")
		if same || one.Name == "" && one.Limit == p.Limit && one.Window == 0 {
			one.Name, one.Window = cmp.Or(one.Name, p.Name), p.Window
			return
		}
	}
	q.add(p)
}

// window returns the value of a parameter w, which is in seconds.
func window(w value) time.Duration {
	if w.n > int64(longestWindow/time.Second) {
		return 0
	}
	return time.Duration(w.n) * time.Second
}
