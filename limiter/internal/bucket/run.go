package bucket

import "math"

// more returns for how many of n further calls, equal to one that was granted at due, one step is enough. These calls
// are due from first to last by the progression of one limit, and pass over no more than a single call may. The
// distances between the due times of one step never decrease, so that no limit sees more than its burst at once.
// Therefore the step of a window is only the calls at one moment. Floating point chooses the number; the times are
// exact.
func (d *decision) more(a *Ask, n, due int64) (m, first, last int64, exactly Moment, bound int) {
	if len(d.Left) > 0 {
		return 0, 0, 0, Moment{}, 0 // each call may take one of the spares
	}
	lines := d.lines
	bound = -1
	top := float64(d.from - d.Now)
	for i, b := range d.Limits {
		s := &d.at[i]
		if s.cost == 0 {
			lines[i] = progress{at: math.Inf(-1)}
			continue
		}
		at, alike := b.tokenAt(s.ahead, s.cost)
		p := progress{at, float64(at.At-d.Now) + float64(at.Frac)/float64(b.Tokens), b.time(s.cost)}
		if b.Window {
			p.slope = 0
			n = min(n, 1+alike/s.cost)
		}
		if s.held {
			n = min(n, (d.left+s.cost-1)/s.cost) // the calls behind have another arrival
		}
		if s.jump {
			n = min(n, steps(float64(d.Now+d.Horizon+b.share()-b.urgent), b.time(2*s.cost)))
		}
		if p.at > top || p.at == top && bound >= 0 && i == len(d.Limits)-1 {
			top, bound = p.at, i
		}
		lines[i] = p
	}
	if bound < 0 {
		for _, p := range lines {
			n = min(n, steps(top-p.at, p.slope))
		}
		return n, d.from, d.from, Moment{At: d.from}, -1
	}
	b, p := d.Limits[bound], lines[bound]
	if len(d.Limits) > 1 {
		b.sought = d.Now
	}
	if p.exact.Ceil() > b.free(d.at[bound].cost) || b.Window && p.exact.Ceil() != due {
		return 0, 0, 0, Moment{}, 0
	}
	n = min(n, steps(float64(d.Horizon)-p.at, p.slope))
	if a.Patience >= 0 {
		n = min(n, steps(float64(a.Patience)-p.at, p.slope))
	}
	shared := d.Of[bound] == d.Of[len(d.Of)-1]
	for i, o := range d.Limits {
		other := lines[i]
		if other.slope > p.slope {
			n = min(n, steps(p.at-other.at, other.slope-p.slope))
		}
		if !shared && d.Of[i] != d.Of[bound] && d.at[i].cost > 0 {
			n = min(n, d.passing(o, p, other))
		}
	}
	for ; n > 0; n-- {
		last = b.after(p.exact, (n-1)*b.step(Reserved, d.at[bound].cost)).Ceil()
		if last <= d.Now+d.Horizon {
			break
		}
	}
	return n, p.exact.Ceil(), last, p.exact, bound
}

// progress is the times of a run at a limit, in µs from now: the first, and the distance between two.
type progress struct {
	exact     Moment
	at, slope float64
}

// passing returns for how many calls of a progression another limit passes over no more than it may.
func (d *decision) passing(o *Bucket, p, other progress) int64 {
	n := steps(float64(o.spare(d.Horizon))-p.at, p.slope)
	if o.Window {
		return n
	}
	full := float64(o.full.At-d.Now) + float64(o.full.Frac)/float64(o.Tokens)
	if other.slope < p.slope {
		return max(n, steps(full-p.at, p.slope-other.slope))
	}
	if p.at <= full {
		return math.MaxInt32
	}
	return n
}

// steps returns how many values of a progression from 0 do not exceed a distance.
func steps(distance, slope float64) int64 {
	switch {
	case distance < 0:
		return 0
	case distance >= slope*math.MaxInt32:
		return math.MaxInt32
	}
	return int64(distance/slope) + 1
}
