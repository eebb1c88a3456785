package adapt

import "math"

// event defines how many reports make an event: a share of the grants in half of the time of some grants.
type event struct{ share, grants float64 }

// add counts a report of a grant that was due at a time, at a rate in ppm. It reports whether the reports are an event,
// which is more than chance. For a probe fewer reports are enough, because the rate is above what was refused last.
func (c *Count) add(l Limit, due, rate int64, probe bool, e event) bool {
	span := max(second, l.lasting(e.grants, rate))
	switch {
	case due > c.First+span:
		*c = Count{First: due}
	case due < c.First-span:
		return false // later grants are counted already
	}
	c.Reports = min(most, c.Reports+1)
	few := float64(e.share * (l.grants(span, rate) / 2)) // the conversion keeps two steps apart on every processor
	if probe {
		return float64(c.Reports) >= math.Max(1, few)
	}
	return float64(c.Reports) >= math.Max(2, few+1)
}
